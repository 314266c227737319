"""`/api/result`: translates between the wire and the queries about runs."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api.dependencies import AnyPrincipal, Db, ReadQuery
from sextant_api.ownership.policy import Reach, require, require_anything
from sextant_api.runs import listing, repository
from sextant_api.runs.documents import RESULT_FILTERS, Result
from sextant_api.runs.wire import result_body
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

router = Router(prefix="/api/result", tags=["results"])


@router.get("", response_model=Listed[Result], openapi_extra=RESULT_FILTERS)
async def list_results(
    request: Request,
    principal: AnyPrincipal,
    db: Db,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
) -> JsonResponse:
    """List results, the newest first."""
    reach = Reach.of(principal, Resource.RUN, Operation.VIEW)
    require_anything(reach, "see results")
    narrowed = listing.read_filter(query)
    async with db.read() as session:
        listing.judge(narrowed, principal, reach, await listing.lookups(narrowed, principal).find(session))
        total = await repository.count(session, principal=principal, reach=reach, narrowed=narrowed)
        results = await repository.find_result_page(
            session, principal=principal, reach=reach, narrowed=narrowed, page=page
        )
    return page_response(request, page, [result_body(result) for result in results], total)


@router.get("/{run_id}", response_model=Result)
async def get_result(principal: AnyPrincipal, db: Db, run_id: PathId) -> JsonResponse:
    """Show the result of a run."""
    async with db.read() as session:
        found = await repository.find_result(session, run_id, principal.organization_id)
    if found is None:
        raise NotFoundError(f"There is no run {run_id}")
    result, owner = found
    require(Reach.of(principal, Resource.RUN, Operation.VIEW), principal, owner, "see this result")
    return JsonResponse(result_body(result))
