"""`/api/organization`."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api import hateoas
from sextant_api.dependencies import AnyPrincipal, Db, ReadQuery, User, UserOrNode
from sextant_api.organizations import service
from sextant_api.organizations.documents import DELETION, FILTERS, Organization
from sextant_api.organizations.repository import Filters
from sextant_api.organizations.schemas import NewOrganization, OrganizationChanges
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

router = Router(prefix="/api/organization", tags=["organizations"])


@router.get("", response_model=Listed[Organization], openapi_extra=FILTERS)
async def list_organizations(
    request: Request,
    caller: AnyPrincipal,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    db: Db,
) -> JsonResponse:
    """List the organizations that the caller sees."""
    filters = Filters(
        name=query.text("name"),
        country=query.text("country"),
        collaboration_id=query.number("collaboration_id"),
        study_id=query.number("study_id"),
        ids=query.numbers("ids"),
    )
    async with db.read() as session:
        rows, total = await service.listed(session, caller, filters, page)
    return page_response(request, page, hateoas.organizations(rows), total)


@router.post("", status_code=201, response_model=Organization)
async def create_organization(caller: User, new: NewOrganization, db: Db) -> JsonResponse:
    """Make an organization."""
    async with db.transaction() as tx:
        row = await service.create(tx, caller, new)
    return JsonResponse(hateoas.organization(row), status_code=201)


@router.get("/{organization_id}", response_model=Organization)
async def read_organization(caller: AnyPrincipal, organization_id: PathId, db: Db) -> JsonResponse:
    """Show one organization."""
    async with db.read() as session:
        row = await service.read(session, caller, organization_id)
    return JsonResponse(hateoas.organization(row))


@router.patch("/{organization_id}", response_model=Organization)
async def change_organization(
    caller: UserOrNode, organization_id: PathId, changes: OrganizationChanges, db: Db
) -> JsonResponse:
    """Change one organization."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, organization_id, changes)
    return JsonResponse(hateoas.organization(row))


@router.delete("/{organization_id}", response_model=Message, openapi_extra=DELETION)
async def delete_organization(caller: User, organization_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Delete one organization."""
    with_dependents = query.flag("delete_dependents") is True
    async with db.transaction() as tx:
        await service.delete(tx, caller, organization_id, with_dependents=with_dependents)
    return JsonResponse({"msg": f"The organization {organization_id} is deleted"})
