"""`/api/node`."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api import hateoas
from sextant_api.dependencies import Auth, Db, ReadQuery, User, UserOrNode
from sextant_api.nodes import repository, service
from sextant_api.nodes.documents import FILTERS, CreatedNode, Node
from sextant_api.nodes.schemas import NewNode, NodeChanges
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

router = Router(prefix="/api/node", tags=["nodes"])


@router.get("", response_model=Listed[Node], openapi_extra=FILTERS)
async def list_nodes(
    request: Request,
    caller: UserOrNode,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    db: Db,
) -> JsonResponse:
    """List the nodes that the caller sees."""
    filters = repository.Filters(
        name=query.text("name"),
        organization_id=query.number("organization_id"),
        collaboration_id=query.number("collaboration_id"),
        study_id=query.number("study_id"),
        status=query.text("status"),
        ip=query.text("ip"),
        last_seen_from=query.moment("last_seen_from"),
        last_seen_till=query.moment("last_seen_till"),
    )
    async with db.read() as session:
        rows, total = await service.listed(session, caller, filters, page)
        configs = await repository.configs_of(session, [row.id for row in rows])
    return page_response(request, page, [hateoas.node(row, configs[row.id]) for row in rows], total)


@router.post("", status_code=201, response_model=CreatedNode, responses=refusals(404))
async def create_node(caller: User, new: NewNode, db: Db, auth: Auth) -> JsonResponse:
    """Make a node; the answer is the only one that ever shows its API key."""
    async with db.transaction() as tx:
        row, api_key = await service.create(tx, auth, caller, new)
    return JsonResponse({**hateoas.node(row, []), "api_key": api_key}, status_code=201)


@router.get("/{node_id}", response_model=Node)
async def read_node(caller: UserOrNode, node_id: PathId, db: Db) -> JsonResponse:
    """Show one node."""
    async with db.read() as session:
        row = await service.read(session, caller, node_id)
        configs = await repository.configs_of(session, [row.id])
    return JsonResponse(hateoas.node(row, configs[row.id]))


@router.patch("/{node_id}", response_model=Node)
async def change_node(caller: UserOrNode, node_id: PathId, changes: NodeChanges, db: Db) -> JsonResponse:
    """Change one node."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, node_id, changes)
        configs = await repository.configs_of(tx.session, [row.id])
    return JsonResponse(hateoas.node(row, configs[row.id]))


@router.delete("/{node_id}", response_model=Message)
async def delete_node(caller: User, node_id: PathId, db: Db, auth: Auth) -> JsonResponse:
    """Delete one node."""
    async with db.transaction() as tx:
        await service.delete(tx, auth, caller, node_id)
    return JsonResponse({"msg": f"The node {node_id} is deleted"})
