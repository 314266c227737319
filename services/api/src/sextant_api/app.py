"""The composition root of api: the only place that knows all of its parts."""

from sextant_api import collaborations, documentation, internal, nodes, organizations, studies, system
from sextant_api.blobstream import routes as blobstream
from sextant_api.blobstream.objects import Objects
from sextant_api.blobstream.service import Blobs
from sextant_api.columns import routes as columns
from sextant_api.commands import Dispatcher
from sextant_api.dependencies import Collaborators
from sextant_api.history import internal as history_internal
from sextant_api.history import routes as history_routes
from sextant_api.history.service import History
from sextant_api.history.watch import HistoryWatch
from sextant_api.housekeeping import Housekeeping
from sextant_api.kills import routes as kills
from sextant_api.models import outbox
from sextant_api.ports import consumers as port_consumers
from sextant_api.ports import internal as ports_internal
from sextant_api.presence import consumers as presence_consumers
from sextant_api.presence.healing import Healer
from sextant_api.presence.metrics import NodeMetrics
from sextant_api.presence.sweeper import Sweeper
from sextant_api.results import routes as results
from sextant_api.runs import consumers as run_consumers
from sextant_api.runs import routes as runs
from sextant_api.settings import ApiSettings
from sextant_api.stores import routes as stores
from sextant_api.stores.addresses import AddressPolicy
from sextant_api.stores.client import StoreClient
from sextant_api.tasks import internal as tasks_internal
from sextant_api.tasks import routes as tasks
from sextant_api.tasks.repeats import Repeats
from sextant_api.tasks.status_watch import BROADCAST_KEYS as STATUS_KEYS
from sextant_api.tasks.status_watch import StatusWatch
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.db import Database, OutboxDispatcher
from sextant_shared.http.access import Gate
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import API_COMMANDS, API_EVENTS, Bus
from sextant_shared.periodic import Periodic
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.security.principal_cache import BROADCAST_KEYS

_HOUSEKEEPING_SECONDS = 60.0
_HOUR = 3600.0


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
    status_watch = StatusWatch(
        db,
        hold_seconds=settings.status_hold_seconds,
        settle_seconds=settings.status_settle_seconds,
        recheck_seconds=settings.status_recheck_seconds,
    )
    bus.broadcast(status_watch.on_event, keys=STATUS_KEYS, on_gap=status_watch.on_gap)
    repeats = Repeats(
        db, patience_seconds=settings.repeat_patience_seconds, window_seconds=settings.repeat_window_seconds
    )
    history_watch = HistoryWatch(bus)
    collaborators = Collaborators(
        settings=settings,
        db=db,
        auth=peers.peer(AUTH),
        users=HttpPrincipalSource(peers.peer(AUTH)),
        status_watch=status_watch,
        repeats=repeats,
        history_watch=history_watch,
        history=History(db, keep_seconds=settings.event_history_seconds, keep_events=settings.event_history_events),
        blobs=_blobs(settings, db),
        stores=StoreClient(
            AddressPolicy(settings.store_hosts, allow_private=settings.store_private_addresses == "forced"),
            timeout_seconds=settings.store_timeout_seconds,
        ),
    )

    app = make_app(
        title="Sextant api", description="Organizations, collaborations, studies, nodes, tasks, runs and results"
    )
    Gate(TokenVerifier(JwksClient(peers.public(AUTH))), principals).install(app)
    collaborators.install(app)
    for noun in (system, documentation, internal, organizations, collaborations, studies, nodes):
        app.include_router(noun.router)
    for routes in (
        tasks,
        tasks_internal,
        runs,
        ports_internal,
        results,
        kills,
        blobstream,
        stores,
        columns,
        history_routes,
        history_internal,
    ):
        app.include_router(routes.router)
    app.include_router(health_router({"database": db.ping, "broker": bus.ping}))

    metrics = NodeMetrics()
    bus.consume(
        API_COMMANDS,
        Dispatcher(
            run_consumers.handlers(db),
            presence_consumers.handlers(db, metrics, grace_seconds=settings.presence_grace_seconds),
        ),
    )
    bus.consume(API_EVENTS, Dispatcher(presence_consumers.event_handlers(db), port_consumers.handlers(db)))
    dispatcher = OutboxDispatcher(db, outbox, bus.publish, service=API)
    sweeper = Sweeper(db)
    healer = Healer(
        db, pending_seconds=settings.healing_pending_seconds, repeat_seconds=settings.healing_repeat_seconds
    )
    periodic = [
        Periodic(sweeper.sweep, seconds=settings.presence_sweep_seconds, name="sweep"),
        Periodic(healer.heal, seconds=settings.healing_check_seconds, name="heal"),
        Periodic(repeats.tidy, seconds=_HOUSEKEEPING_SECONDS, name="tidy repeats"),
        Periodic(collaborators.history.tidy, seconds=settings.event_history_tidy_seconds, name="tidy history"),
    ]
    if collaborators.blobs is not None:
        periodic.append(Periodic(collaborators.blobs.collect, seconds=settings.blob_collect_seconds, name="collect"))
    housekeeping = Housekeeping(db, metrics, dispatcher.measure, inbox_days=settings.inbox_days)
    periodic.append(Periodic(housekeeping.tidy, seconds=_HOUSEKEEPING_SECONDS, name="tidy"))
    return Service(
        name=API,
        app=app,
        asgi=wrap_app(app, settings, service=API, body_limits={blobstream.PATH: settings.blob_max_bytes}),
        tasks=[dispatcher.run, status_watch.run, history_watch.run, repeats.run, *(job.run for job in periodic)],
        drain=[status_watch.release, history_watch.release],
        close=[repeats.close, peers.close, db.close],
    )


def _blobs(settings: ApiSettings, db: Database) -> Blobs | None:
    if not settings.blob_store:
        return None
    options = {name: value.get_secret_value() for name, value in settings.blob_store_options.items()}
    return Blobs(
        db,
        Objects.at(settings.blob_store, options),
        at_once=settings.blob_uploads_at_once,
        stall_seconds=settings.blob_stall_seconds,
        unused_seconds=settings.blob_unused_hours * _HOUR,
    )
