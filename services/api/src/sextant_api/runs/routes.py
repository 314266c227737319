"""`/api/run`: translates between the wire and the services; no decision and no query stands here."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api.dependencies import AnyPrincipal, Db, Node, ReadQuery
from sextant_api.ownership.policy import Reach, require, require_anything
from sextant_api.runs import listing, repository, service
from sextant_api.runs.documents import FILTERS, ONE, Run
from sextant_api.runs.schemas import RunChange
from sextant_api.runs.wire import run_body
from sextant_api.tasks.wire import task_inside_run
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

_TASK = "task"

router = Router(prefix="/api/run", tags=["runs"])


@router.get("", response_model=Listed[Run], openapi_extra=FILTERS)
async def list_runs(
    request: Request,
    principal: AnyPrincipal,
    db: Db,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
) -> JsonResponse:
    """List runs with their inputs and logs, the newest first."""
    reach = Reach.of(principal, Resource.RUN, Operation.VIEW)
    require_anything(reach, "see runs")
    narrowed = listing.read_filter(query)
    # of runs the wire takes the word alone, not one of several between commas
    with_tasks = _TASK in query.texts("include")
    async with db.read() as session:
        listing.judge(narrowed, principal, reach, await listing.lookups(narrowed, principal).find(session))
        total = await repository.count(session, principal=principal, reach=reach, narrowed=narrowed)
        found = await repository.find_page(
            session, principal=principal, reach=reach, narrowed=narrowed, page=page, with_tasks=with_tasks
        )
        logs = await repository.find_logs(session, [run[0] for run, _ in found])
    bodies = [run_body(run, logs, task=task_inside_run(task) if with_tasks else None) for run, task in found]
    return page_response(request, page, bodies, total)


@router.get("/{run_id}", response_model=Run, openapi_extra=ONE)
async def get_run(principal: AnyPrincipal, db: Db, query: ReadQuery, run_id: PathId) -> JsonResponse:
    """Show a run with its input and log."""
    async with db.read() as session:
        found = await repository.find_run(session, run_id, principal.organization_id)
        if found is None:
            raise NotFoundError(f"There is no run {run_id}")
        run, task, owner = found
        require(Reach.of(principal, Resource.RUN, Operation.VIEW), principal, owner, "see this run")
        logs = await repository.find_logs(session, [run_id])
    return JsonResponse(run_body(run, logs, task=task_inside_run(task) if _TASK in query.texts("include") else None))


@router.patch("/{run_id}", response_model=Run)
async def change_run(node: Node, db: Db, run_id: PathId, asked: RunChange) -> JsonResponse:
    """Let a node say what has become of its run; what it leaves out stays as it is."""
    async with db.transaction() as tx:
        await service.change(tx, node, run_id, asked)
        run = await repository.get_run(tx.session, run_id)
        logs = await repository.find_logs(tx.session, [run_id])
    return JsonResponse(run_body(run, logs))
