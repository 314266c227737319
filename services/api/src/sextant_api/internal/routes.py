"""`/internal`: for services alone, with a service token; the gateway never routes it."""

from typing import Annotated

from fastapi import Depends

from sextant_api.dependencies import Db
from sextant_api.internal import repository
from sextant_api.kills.service import kill_all
from sextant_api.tasks import repository as tasks_repository
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.routing import AUTH, RELAY
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

router = Router(prefix="/internal")


@router.get("/organizations/{organization_id}")
async def read_organization(
    _: Annotated[Principal, Depends(Peer(AUTH, RELAY))], organization_id: PathId, db: Db
) -> JsonResponse:
    """Say who works together with an organization."""
    async with db.read() as session:
        found = await repository.organization_with_collaborations(session, organization_id)
    if found is None:
        raise NotFoundError("There is no such organization")
    return JsonResponse(found)


@router.get("/collaborations")
async def list_collaborations(_: Annotated[Principal, Depends(Peer(RELAY))], db: Db) -> JsonResponse:
    """Name all collaborations."""
    async with db.read() as session:
        ids = await repository.collaboration_ids(session)
    return JsonResponse({"ids": list(ids)})


@router.get("/users/{user_id}/tasks")
async def count_tasks_of_user(_: Annotated[Principal, Depends(Peer(AUTH))], user_id: PathId, db: Db) -> JsonResponse:
    """Say how many tasks a user has made, or had made by algorithms."""
    async with db.read() as session:
        count = await tasks_repository.count(session, TaskFilter(init_user_id=user_id))
    return JsonResponse({"count": count})


@router.delete("/users/{user_id}/tasks")
async def delete_tasks_of_user(_: Annotated[Principal, Depends(Peer(AUTH))], user_id: PathId, db: Db) -> JsonResponse:
    """End and delete all tasks of a user, with all that belongs to them; safe to repeat.

    A task that the user makes after this, and before auth has deleted the user and told so, stays, and harms nobody:
    it was allowed when it was made; whoever sees tasks of its collaboration sees, ends and deletes it like any other;
    and as ids are never given out again, nobody else will ever be taken for the one who made it. To shut that gap,
    every task would have to be made under a lock that auth holds too.
    """
    narrowed = TaskFilter(init_user_id=user_id)
    async with db.transaction() as tx:
        count = await tasks_repository.count(tx.session, narrowed)
        await kill_all(tx, narrowed)
        await tasks_repository.delete_tasks(tx.session, narrowed)
    return JsonResponse({"count": count})
