"""`/internal/runs`: what the VPN registry asks before it leases a port."""

from typing import Annotated

from fastapi import Depends

from sextant_api.dependencies import Db
from sextant_api.runs import repository
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.routing import VPN_REGISTRY
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

router = Router(prefix="/internal/runs")


@router.get("/{run_id}")
async def get_run(_: Annotated[Principal, Depends(Peer(VPN_REGISTRY))], db: Db, run_id: PathId) -> JsonResponse:
    """Say whose a run is."""
    async with db.read() as session:
        run = await repository.find_run_of_node(session, run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id}")
    return JsonResponse(
        {
            "id": run.id,
            "task_id": run.task_id,
            "parent_id": run.parent_id,
            "organization_id": run.organization_id,
            "collaboration_id": run.collaboration_id,
            "node_id": run.node_id,
            "status": run.status,
        }
    )
