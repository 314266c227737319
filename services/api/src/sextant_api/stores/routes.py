"""`/api/algorithmstore`: translates between the wire and the service, and asks the store in between."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api import hateoas
from sextant_api.dependencies import Db, Everything, ReadQuery, User, UserOrNode
from sextant_api.stores import repository, service, whitelist
from sextant_api.stores.callers import caller_of
from sextant_api.stores.client import StoreAddress
from sextant_api.stores.documents import FILTERS, REMOVAL, AlgorithmStore
from sextant_api.stores.schemas import NewStore, StoreChanges
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

_CREATED = 201
_NOT_FOUND = 404

router = Router(prefix="/api/algorithmstore", tags=["algorithm stores"])


@router.get("", response_model=Listed[AlgorithmStore], responses=refusals(_NOT_FOUND), openapi_extra=FILTERS)
async def list_stores(
    request: Request,
    caller: User,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    db: Db,
) -> JsonResponse:
    """List the algorithm stores that the caller sees."""
    filters = repository.Filters(
        name=query.text("name"), url=query.text("url"), collaboration_id=query.any_id("collaboration_id")
    )
    async with db.read() as session:
        rows, total = await service.listed(session, caller, filters, page)
    return page_response(request, page, [hateoas.algorithm_store(row) for row in rows], total)


@router.post("", status_code=_CREATED, response_model=AlgorithmStore, responses=refusals(_NOT_FOUND))
async def add_store(request: Request, caller: User, new: NewStore, ours: Everything) -> JsonResponse:
    """Add an algorithm store, which is asked first to trust this server."""
    async with ours.db.read() as session:
        await service.admit(session, caller, new)
    await whitelist.enter(
        ours.stores,
        StoreAddress(new.algorithm_store_url, new.force),
        caller_of(request, configured=ours.settings.public_url, given=new.server_url),
    )
    async with ours.db.transaction() as tx:
        row = await service.add(tx, new)
    return JsonResponse(hateoas.algorithm_store(row), status_code=_CREATED)


@router.get("/{store_id}", response_model=AlgorithmStore)
async def read_store(caller: UserOrNode, store_id: PathId, db: Db) -> JsonResponse:
    """Show one algorithm store."""
    async with db.read() as session:
        row = await service.read(session, caller, store_id)
    return JsonResponse(hateoas.algorithm_store(row))


@router.patch("/{store_id}", response_model=AlgorithmStore)
async def change_store(caller: User, store_id: PathId, changes: StoreChanges, db: Db) -> JsonResponse:
    """Change an algorithm store's name, or the collaboration that it is for; its address stays."""
    async with db.transaction() as tx:
        row = await service.change(tx, caller, store_id, changes)
    return JsonResponse(hateoas.algorithm_store(row))


@router.delete("/{store_id}", response_model=Message, openapi_extra=REMOVAL)
async def remove_store(
    request: Request, caller: User, store_id: PathId, query: ReadQuery, ours: Everything
) -> JsonResponse:
    """Remove an algorithm store, which is told first to trust this server no longer; its tasks stay."""
    async with ours.db.read() as session:
        row, is_to_be_told = await service.dismiss(session, caller, store_id)
    if is_to_be_told and query.flag("force") is not True:
        asking = caller_of(request, configured=ours.settings.public_url, given=query.text("server_url"))
        await whitelist.leave(ours.stores, StoreAddress(row.url, row.is_forced), asking)
    async with ours.db.transaction() as tx:
        await repository.remove(tx.session, store_id)
    return JsonResponse({"msg": f"The algorithm store {store_id} is removed"})
