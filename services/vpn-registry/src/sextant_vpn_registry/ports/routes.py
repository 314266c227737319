"""`/api/port`, with a VPN and without.

Nodes release the ports of every run, and an error would cost each of them a token refresh and a second try.
"""

from typing import Annotated

from fastapi import Query

from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import MAX_ID
from sextant_vpn_registry.dependencies import Everything, Node
from sextant_vpn_registry.ports.documents import Port
from sextant_vpn_registry.ports.schemas import PortRequest

_CREATED = 201

router = Router(prefix="/api/port", tags=["VPN"])


@router.post(
    "",
    status_code=_CREATED,
    summary="Register a port of a run",
    response_model=Port,
    responses=refusals(404, 409, 503),
)
async def register_port(node: Node, ours: Everything, asked: PortRequest) -> JsonResponse:
    """Let a run show a port; while the run goes on, nobody else gets the same at the same address."""
    port = await ours.ports.register(node, asked)
    return JsonResponse(port.model_dump(), status_code=_CREATED)


@router.delete("", summary="Release the ports of a run", response_model=Message, responses=refusals(404, 503))
async def release_ports(node: Node, ours: Everything, run_id: Annotated[int, Query(ge=1, le=MAX_ID)]) -> JsonResponse:
    """Release the ports of a run, whether it goes on or has ended; of one without ports, nothing."""
    released = await ours.ports.release(node, run_id)
    return JsonResponse({"msg": f"Run {run_id} holds no ports" + (" any more" if released else "")})
