"""`/internal/runs`, `/internal/tasks`: what vpn-registry asks before it leases a port, and tells when it has."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import Depends

from sextant_api.dependencies import Db, ReadQuery
from sextant_api.ports import repository
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.events import PortsChanged
from sextant_shared.contract.routing import VPN_REGISTRY
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

MOST_RUNS: Final = 500
"""How many may be asked about at once."""

Registry = Annotated[Principal, Depends(Peer(VPN_REGISTRY))]

router = Router(prefix="/internal")


@router.get("/runs")
async def list_runs(_: Registry, db: Db, query: ReadQuery) -> JsonResponse:
    """Say whose some runs are; those that are no more are absent."""
    ids: Sequence[int] = query.numbers("id")
    if len(ids) > MOST_RUNS:
        raise BadRequestError(f"At most {MOST_RUNS} runs can be asked about at once")
    async with db.read() as session:
        found = await repository.find_standings(session, ids)
    return JsonResponse({"runs": [asdict(standing) for standing in found]})


@router.get("/runs/{run_id}")
async def get_run(_: Registry, db: Db, run_id: PathId) -> JsonResponse:
    """Say whose a run is."""
    async with db.read() as session:
        found = await repository.find_standings(session, [run_id])
    if not found:
        raise NotFoundError(f"There is no run {run_id}")
    return JsonResponse(asdict(found[0]))


@router.put("/runs/{run_id}/ports")
async def put_ports(_: Registry, db: Db, run_id: PathId, change: PortsChanged) -> JsonResponse:
    """Hear at once what the event will say again."""
    if change.run_id != run_id:
        raise BadRequestError("These are the ports of another run")
    async with db.transaction() as tx:
        await repository.put(tx.session, change)
    return JsonResponse({})


@router.get("/tasks/{task_id}/parent")
async def get_parent(_: Registry, db: Db, task_id: PathId) -> JsonResponse:
    """Say what a task descends from."""
    async with db.read() as session:
        found = await repository.find_parent(session, task_id)
    if found is None:
        raise NotFoundError(f"There is no task {task_id}")
    return JsonResponse({"id": task_id, "parent_id": found[0]})
