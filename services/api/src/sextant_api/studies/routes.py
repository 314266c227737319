"""`/api/study`, with the organizations that take part in each."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api import hateoas
from sextant_api.dependencies import AnyPrincipal, Db, ReadQuery, User
from sextant_api.organizations.documents import Organization
from sextant_api.studies import repository, service
from sextant_api.studies.documents import DELETION, FILTERS, ONE, Study
from sextant_api.studies.schemas import NewStudy, StudyChanges, StudyMember
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

_ORGANIZATIONS = "organizations"

router = Router(prefix="/api/study", tags=["studies"])


@router.get("", response_model=Listed[Study], openapi_extra=FILTERS)
async def list_studies(
    request: Request,
    caller: AnyPrincipal,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    db: Db,
) -> JsonResponse:
    """List the studies that the caller sees."""
    filters = repository.Filters(
        name=query.text("name"),
        organization_id=query.any_id("organization_id"),
        collaboration_id=query.any_id("collaboration_id"),
    )
    async with db.read() as session:
        rows, total = await service.listed(session, caller, filters, page)
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id for row in rows])
            data = [hateoas.study(row, members=members[row.id]) for row in rows]
        else:
            data = [hateoas.study(row) for row in rows]
    return page_response(request, page, data, total)


@router.post("", status_code=201, response_model=Study, responses=refusals(404))
async def create_study(caller: User, new: NewStudy, db: Db) -> JsonResponse:
    """Make a study; the answer shows its organizations in full."""
    async with db.transaction() as tx:
        row = await service.create(tx, caller, new)
        members = await repository.members_of(tx.session, [row.id])
    return JsonResponse(hateoas.study(row, members=members[row.id]), status_code=201)


@router.get("/{study_id}", response_model=Study, openapi_extra=ONE)
async def read_study(caller: AnyPrincipal, study_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Show one study."""
    async with db.read() as session:
        row = await service.read(session, caller, study_id)
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id])
            return JsonResponse(hateoas.study(row, members=members[row.id]))
    return JsonResponse(hateoas.study(row))


@router.patch("/{study_id}", response_model=Study)
async def change_study(caller: User, study_id: PathId, changes: StudyChanges, db: Db) -> JsonResponse:
    """Change one study; the answer shows its organizations in full."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, study_id, changes)
        members = await repository.members_of(tx.session, [row.id])
    return JsonResponse(hateoas.study(row, members=members[row.id]))


@router.delete("/{study_id}", response_model=Message, openapi_extra=DELETION)
async def delete_study(caller: User, study_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Delete one study."""
    with_dependents = query.flag("delete_dependents") is True
    async with db.transaction() as tx:
        await service.delete(tx, caller, study_id, with_dependents=with_dependents)
    return JsonResponse({"msg": f"The study {study_id} is deleted"})


@router.post("/{study_id}/organization", response_model=list[Organization])
async def add_organization_to_study(caller: User, study_id: PathId, member: StudyMember, db: Db) -> JsonResponse:
    """Let an organization take part."""
    async with db.transaction() as tx:
        rows = await service.add_member(tx, caller, study_id, member.id)
    return JsonResponse(hateoas.organizations(rows))


@router.delete("/{study_id}/organization", response_model=list[Organization])
async def remove_organization_from_study(caller: User, study_id: PathId, member: StudyMember, db: Db) -> JsonResponse:
    """End an organization's part."""
    async with db.transaction() as tx:
        rows = await service.remove_member(tx, caller, study_id, member.id)
    return JsonResponse(hateoas.organizations(rows))
