"""`/api/collaboration`, with the members and nodes of each."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from sextant_api import hateoas
from sextant_api.collaborations import repository, service
from sextant_api.collaborations.schemas import CollaborationChanges, Member, NewCollaboration
from sextant_api.dependencies import AnyPrincipal, Db, ReadQuery, User, UserOrNode
from sextant_api.nodes import service as nodes
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

_ORGANIZATIONS = "organizations"

router = APIRouter(prefix="/api/collaboration")


@router.get("")
async def list_collaborations(
    request: Request,
    caller: UserOrNode,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    db: Db,
) -> JsonResponse:
    """List the collaborations that the caller sees."""
    async with db.read() as session:
        rows, total = await service.listed(
            session,
            caller,
            page,
            name=query.text("name"),
            encrypted=query.flag("encrypted"),
            organization_id=query.number("organization_id"),
            store_id=query.number("algorithm_store_id"),
        )
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id for row in rows])
            data = [hateoas.collaboration(row, members=members[row.id]) for row in rows]
        else:
            data = [hateoas.collaboration(row) for row in rows]
    return page_response(request, page, data, total)


@router.post("")
async def create_collaboration(caller: User, new: NewCollaboration, db: Db) -> JsonResponse:
    """Make a collaboration. The wire says 200 here where others say 201."""
    async with db.transaction() as tx:
        row = await service.create(tx, caller, new)
    return JsonResponse(hateoas.collaboration(row))


@router.get("/{collaboration_id}")
async def read_collaboration(caller: AnyPrincipal, collaboration_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Show one collaboration."""
    async with db.read() as session:
        row = await service.read(session, caller, collaboration_id)
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id])
            return JsonResponse(hateoas.collaboration(row, members=members[row.id]))
    return JsonResponse(hateoas.collaboration(row))


@router.patch("/{collaboration_id}")
async def change_collaboration(
    caller: User, collaboration_id: PathId, changes: CollaborationChanges, db: Db
) -> JsonResponse:
    """Change one collaboration."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, collaboration_id, changes)
    return JsonResponse(hateoas.collaboration(row))


@router.delete("/{collaboration_id}")
async def delete_collaboration(caller: User, collaboration_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Delete one collaboration."""
    with_dependents = query.flag("delete_dependents") is True
    async with db.transaction() as tx:
        await service.delete(tx, caller, collaboration_id, with_dependents=with_dependents)
    return JsonResponse({"msg": f"The collaboration {collaboration_id} is deleted"})


@router.post("/{collaboration_id}/organization")
async def add_organization(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """Let an organization take part."""
    async with db.transaction() as tx:
        rows = await service.add_member(tx, caller, collaboration_id, member.id)
    return JsonResponse(hateoas.organizations(rows))


@router.delete("/{collaboration_id}/organization")
async def remove_organization(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """End an organization's part."""
    async with db.transaction() as tx:
        rows = await service.remove_member(tx, caller, collaboration_id, member.id)
    return JsonResponse(hateoas.organizations(rows))


@router.post("/{collaboration_id}/node")
async def add_node(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """Move a node into the collaboration."""
    async with db.transaction() as tx:
        rows = await nodes.move_in(tx, caller, collaboration_id, member.id)
    return JsonResponse([hateoas.node_of_collaboration(row) for row in rows], status_code=201)


@router.delete("/{collaboration_id}/node")
async def remove_node(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """Take a node out of the collaboration."""
    async with db.transaction() as tx:
        await nodes.move_out(tx, caller, collaboration_id, member.id)
    return JsonResponse({"msg": f"The node {member.id} is no longer in the collaboration {collaboration_id}"})
