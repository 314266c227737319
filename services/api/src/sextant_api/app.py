"""The composition root of api: the only place that knows all of its parts."""

from sextant_api import system
from sextant_api.commands import Dispatcher
from sextant_api.dependencies import Collaborators
from sextant_api.models import outbox
from sextant_api.settings import ApiSettings
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.db import Database, OutboxDispatcher
from sextant_shared.http.access import Gate
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import API_COMMANDS, Bus
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.security.principal_cache import BROADCAST_KEYS


def create_service(settings: ApiSettings, *, bus: Bus, network: Network) -> Service:
    """Put api together.

    Args:
        settings: validated.
        bus: shared by whatever runs in this process; the caller runs it.
        network: how to reach the other services.
    """
    db = Database(
        settings.database_address,
        source=API,
        outbox=outbox,
        pool_size=settings.database_pool_size,
        acquire_seconds=settings.database_acquire_seconds,
    )
    peers = Peers(network, settings, name=API)
    principals = PrincipalCache(HttpPrincipalSource(peers.peer(AUTH)))
    bus.broadcast(principals.on_event, keys=BROADCAST_KEYS, on_gap=principals.forget_all)
    collaborators = Collaborators(settings=settings, db=db, auth=peers.peer(AUTH))

    app = make_app(
        title="Sextant api", description="Organizations, collaborations, studies, nodes, tasks, runs and results"
    )
    Gate(TokenVerifier(JwksClient(peers.public(AUTH))), principals).install(app)
    collaborators.install(app)
    for router in (system.router,):
        app.include_router(router)
    app.include_router(health_router({"database": db.ping, "broker": bus.ping}))

    bus.consume(API_COMMANDS, Dispatcher())
    return Service(
        name=API,
        app=app,
        asgi=wrap_app(app, settings, service=API),
        tasks=[OutboxDispatcher(db, outbox, bus.publish, service=API).run],
        close=[peers.close, db.close],
    )
