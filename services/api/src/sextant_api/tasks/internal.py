"""`/internal/tasks`: what auth asks before it gives an algorithm a token."""

from typing import Annotated

from fastapi import Depends

from sextant_api.dependencies import Db
from sextant_api.tasks import repository
from sextant_api.tasks.service import grant
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.routing import AUTH
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

router = Router(prefix="/internal/tasks")


@router.get("/{task_id}/container-grant")
async def get_container_grant(
    _: Annotated[Principal, Depends(Peer(AUTH))], db: Db, task_id: PathId, node_id: int, image: str
) -> JsonResponse:
    """Say what the algorithm that a node runs for a task may act as, or why it may not."""
    async with db.read() as session:
        share = await repository.find_share(session, task_id, node_id)
    if share is None:
        raise NotFoundError(f"There is no task {task_id}")
    return JsonResponse(grant(share, image))
