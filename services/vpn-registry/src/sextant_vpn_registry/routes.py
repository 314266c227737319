"""The public routes, for an installation without VPN.

Nodes release the ports of every run, with VPN or without, and an error would cost each of them a token refresh and a
second try: releasing nothing is therefore a success. Asking for what only a VPN can give is answered with 501.
"""

from typing import Annotated, Any

from fastapi import Depends, Query

from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import NotConfiguredError
from sextant_shared.http.access import Caller, Router
from sextant_shared.http.documentation import Error, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.security import Principal
from sextant_vpn_registry.documents import Addresses

_ALWAYS_REFUSED: dict[str, Any] = {"status_code": 501, "response_model": Error, "responses": refusals(501)}

router = Router(prefix="/api", tags=["VPN"])

NodeCaller = Annotated[Principal, Depends(Caller(ClientType.NODE))]
ContainerCaller = Annotated[Principal, Depends(Caller(ClientType.CONTAINER))]


@router.get("/vpn", summary="Get the node's VPN profile", **_ALWAYS_REFUSED)
async def get_profile(_: NodeCaller) -> JsonResponse:
    """Refuse: there is no VPN."""
    raise _no_vpn()


@router.post("/port", summary="Register a port of a run", **_ALWAYS_REFUSED)
async def register_port(_: NodeCaller) -> JsonResponse:
    """Refuse: without a VPN nobody could reach the port."""
    raise _no_vpn()


@router.delete("/port", summary="Release the ports of a run", response_model=Message)
async def release_ports(_: NodeCaller, run_id: Annotated[int, Query(ge=1)]) -> JsonResponse:
    """Release the ports that the run holds: none."""
    return JsonResponse({"msg": f"Run {run_id} holds no ports"})


@router.get(
    "/vpn/algorithm/addresses", summary="Find the addresses of the task's other containers", response_model=Addresses
)
async def find_addresses(_: ContainerCaller) -> JsonResponse:
    """List the registered addresses: none."""
    return JsonResponse({"addresses": []})


def _no_vpn() -> NotConfiguredError:
    return NotConfiguredError("This server has no VPN")
