"""The composition root of vpn-registry."""

from sextant_shared.contract.routing import AUTH, VPN_REGISTRY
from sextant_shared.http.access import Gate
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import Bus
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.security.principal_cache import BROADCAST_KEYS
from sextant_vpn_registry.routes import router
from sextant_vpn_registry.settings import VpnRegistrySettings


def create_service(settings: VpnRegistrySettings, *, bus: Bus, network: Network) -> Service:
    """Put vpn-registry together.

    Args:
        settings: validated.
        bus: shared by whatever runs in this process; the caller runs it.
        network: how to reach the other services.
    """
    peers = Peers(network, settings, name=VPN_REGISTRY)
    principals = PrincipalCache(HttpPrincipalSource(peers.peer(AUTH)))
    bus.broadcast(principals.on_event, keys=BROADCAST_KEYS, on_gap=principals.forget_all)
    app = make_app(title="Sextant vpn-registry", description="VPN addresses and ports of algorithm containers")
    Gate(TokenVerifier(JwksClient(peers.public(AUTH))), principals).install(app)
    app.include_router(router)
    app.include_router(health_router({"broker": bus.ping}))
    return Service(name=VPN_REGISTRY, app=app, asgi=wrap_app(app, settings, service=VPN_REGISTRY), close=[peers.close])
