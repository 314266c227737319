"""The composition root of vpn-registry."""

from sextant_shared.clock import SystemClock
from sextant_shared.contract.routing import API, AUTH, VPN_REGISTRY
from sextant_shared.db import Database, OutboxDispatcher
from sextant_shared.http.access import Gate
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import VPN_EVENTS, Bus
from sextant_shared.periodic import Periodic
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.security.principal_cache import BROADCAST_KEYS
from sextant_vpn_registry.addresses.routes import router as addresses_router
from sextant_vpn_registry.dependencies import Collaborators
from sextant_vpn_registry.knowledge.consumers import ApiEvents
from sextant_vpn_registry.knowledge.reconciler import Reconciler
from sextant_vpn_registry.knowledge.service import Knowledge
from sextant_vpn_registry.models import outbox
from sextant_vpn_registry.ports.routes import router as ports_router
from sextant_vpn_registry.ports.service import Ports
from sextant_vpn_registry.profiles.routes import router as profiles_router
from sextant_vpn_registry.settings import VpnRegistrySettings

_TIDY_SECONDS = 3600.0


def create_service(settings: VpnRegistrySettings, *, bus: Bus, network: Network) -> Service:
    """Put vpn-registry together.

    Args:
        settings: validated.
        bus: shared by whatever runs in this process; the caller runs it.
        network: how to reach the other services.
    """
    db = Database(
        settings.database_address,
        source=VPN_REGISTRY,
        outbox=outbox,
        pool_size=settings.database_pool_size,
        acquire_seconds=settings.database_acquire_seconds,
    )
    peers = Peers(network, settings, name=VPN_REGISTRY)
    principals = PrincipalCache(HttpPrincipalSource(peers.peer(AUTH)))
    bus.broadcast(principals.on_event, keys=BROADCAST_KEYS, on_gap=principals.forget_all)
    api = peers.peer(API)
    knowledge = Knowledge(db, api, SystemClock())
    bus.consume(VPN_EVENTS, ApiEvents(db).on_event)

    app = make_app(title="Sextant vpn-registry", description="VPN addresses and ports of algorithm containers")
    Gate(TokenVerifier(JwksClient(peers.public(AUTH))), principals).install(app)
    Collaborators(db=db, knowledge=knowledge, ports=Ports(db, knowledge, api)).install(app)
    for router in (ports_router, profiles_router, addresses_router):
        app.include_router(router)
    app.include_router(health_router({"database": db.ping, "broker": bus.ping}))

    reconciler = Reconciler(db, knowledge, seconds=settings.reconcile_seconds, run_days=settings.run_days)
    return Service(
        name=VPN_REGISTRY,
        app=app,
        asgi=wrap_app(app, settings, service=VPN_REGISTRY),
        tasks=[
            OutboxDispatcher(db, outbox, bus.publish, service=VPN_REGISTRY).run,
            Periodic(reconciler.mend, seconds=settings.reconcile_seconds, name="mend").run,
            Periodic(reconciler.tidy, seconds=_TIDY_SECONDS, name="tidy").run,
        ],
        close=[peers.close, db.close],
    )
