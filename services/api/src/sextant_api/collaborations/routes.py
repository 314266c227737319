"""`/api/collaboration`, with the members and nodes of each."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request

from sextant_api import hateoas
from sextant_api.collaborations import repository, service
from sextant_api.collaborations.documents import DELETION, FILTERS, ONE, Collaboration, CollaborationNode
from sextant_api.collaborations.schemas import CollaborationChanges, LeavingNode, Member, NewCollaboration
from sextant_api.dependencies import AnyPrincipal, Db, ReadQuery, User, UserOrNode
from sextant_api.nodes import service as nodes
from sextant_api.organizations.documents import Organization
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId, Query

_ENCRYPTED = "encrypted"
_ORGANIZATIONS = "organizations"

router = Router(prefix="/api/collaboration", tags=["collaborations"])


@router.get("", response_model=Listed[Collaboration], responses=refusals(404), openapi_extra=FILTERS)
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
            encrypted=_encrypted(query),
            organization_id=query.any_id("organization_id"),
            store_id=query.any_id("algorithm_store_id"),
        )
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id for row in rows])
            data = [hateoas.collaboration(row, members=members[row.id]) for row in rows]
        else:
            data = [hateoas.collaboration(row) for row in rows]
    return page_response(request, page, data, total)


@router.post("", response_model=Collaboration)
async def create_collaboration(caller: User, new: NewCollaboration, db: Db) -> JsonResponse:
    """Make a collaboration. The wire says 200 here where others say 201."""
    async with db.transaction() as tx:
        row = await service.create(tx, caller, new)
    return JsonResponse(hateoas.collaboration(row))


@router.get("/{collaboration_id}", response_model=Collaboration, openapi_extra=ONE)
async def read_collaboration(caller: AnyPrincipal, collaboration_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Show one collaboration."""
    async with db.read() as session:
        row = await service.read(session, caller, collaboration_id)
        if _ORGANIZATIONS in query.words("include"):
            members = await repository.members_of(session, [row.id])
            return JsonResponse(hateoas.collaboration(row, members=members[row.id]))
    return JsonResponse(hateoas.collaboration(row))


@router.patch("/{collaboration_id}", response_model=Collaboration)
async def change_collaboration(
    caller: User, collaboration_id: PathId, changes: CollaborationChanges, db: Db
) -> JsonResponse:
    """Change one collaboration."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, collaboration_id, changes)
    return JsonResponse(hateoas.collaboration(row))


@router.delete("/{collaboration_id}", response_model=Message, openapi_extra=DELETION)
async def delete_collaboration(caller: User, collaboration_id: PathId, query: ReadQuery, db: Db) -> JsonResponse:
    """Delete one collaboration."""
    with_dependents = query.flag("delete_dependents") is True
    async with db.transaction() as tx:
        await service.delete(tx, caller, collaboration_id, with_dependents=with_dependents)
    return JsonResponse({"msg": f"The collaboration {collaboration_id} is deleted"})


@router.post("/{collaboration_id}/organization", response_model=list[Organization])
async def add_organization(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """Let an organization take part."""
    async with db.transaction() as tx:
        rows = await service.add_member(tx, caller, collaboration_id, member.id)
    return JsonResponse(hateoas.organizations(rows))


@router.delete("/{collaboration_id}/organization", response_model=list[Organization])
async def remove_organization(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """End an organization's part."""
    async with db.transaction() as tx:
        rows = await service.remove_member(tx, caller, collaboration_id, member.id)
    return JsonResponse(hateoas.organizations(rows))


@router.post("/{collaboration_id}/node", status_code=201, response_model=list[CollaborationNode])
async def add_node(caller: User, collaboration_id: PathId, member: Member, db: Db) -> JsonResponse:
    """Move a node into the collaboration."""
    async with db.transaction() as tx:
        rows = await nodes.move_in(tx, caller, collaboration_id, member.id)
    return JsonResponse([hateoas.node_of_collaboration(row) for row in rows], status_code=201)


@router.delete("/{collaboration_id}/node", response_model=Message)
async def remove_node(caller: User, collaboration_id: PathId, node: LeavingNode, db: Db) -> JsonResponse:
    """Take a node out of the collaboration."""
    async with db.transaction() as tx:
        await nodes.move_out(tx, caller, collaboration_id, node.id)
    return JsonResponse({"msg": f"The node {node.id} is no longer in the collaboration {collaboration_id}"})


def _encrypted(query: Query) -> Sequence[bool] | None:
    """Which collaborations are asked for; with an empty value neither those that are encrypted nor the others."""
    if not query.has(_ENCRYPTED):
        return None
    flag = query.flag(_ENCRYPTED)
    return [] if flag is None else [flag]
