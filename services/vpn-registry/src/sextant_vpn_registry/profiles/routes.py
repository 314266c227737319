"""`/api/vpn`: the profile with which a node joins the VPN. No source of profiles is configured yet, and none can be."""

from sextant_shared.contract.errors import NotConfiguredError
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Error, refusals
from sextant_shared.http.json import JsonResponse
from sextant_vpn_registry.dependencies import Node

router = Router(prefix="/api/vpn", tags=["VPN"])


@router.get("", summary="Get the node's VPN profile", status_code=501, response_model=Error, responses=refusals(501))
async def get_profile(_: Node) -> JsonResponse:
    """Refuse: there is no VPN."""
    raise NotConfiguredError("This server has no VPN")
