"""The composition root of relay."""

from sextant_relay.departure import Departure
from sextant_relay.entry import Entry
from sextant_relay.history import History
from sextant_relay.hub import Hub
from sextant_relay.interest import Interest
from sextant_relay.isolation import Isolation
from sextant_relay.judge import Judge
from sextant_relay.listener import ALWAYS_HEARD, Listener
from sextant_relay.memberships import Memberships
from sextant_relay.namespaces import TasksNamespace
from sextant_relay.outgoing import Outgoing
from sextant_relay.presence import Presence
from sextant_relay.settings import RelaySettings
from sextant_relay.transport import Transport
from sextant_shared.clock import SystemClock
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import Bus
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier


def create_service(settings: RelaySettings, *, bus: Bus, network: Network) -> Service:
    """Put relay together.

    Args:
        settings: validated.
        bus: shared by whatever runs in this process; the caller runs it.
        network: how to reach the other services.
    """
    peers = Peers(network, settings, name=RELAY)
    keys = JwksClient(peers.public(AUTH))
    principals = PrincipalCache(HttpPrincipalSource(peers.peer(AUTH)))
    memberships = Memberships(peers.peer(API))
    clock = SystemClock()

    async def on_event(envelope: Envelope) -> None:
        await listener.on_event(envelope)

    async def on_gap() -> None:
        await listener.on_gap()

    interest = Interest(
        bus.broadcast(on_event, keys=ALWAYS_HEARD, on_gap=on_gap), linger_seconds=settings.interest_linger_seconds
    )
    outgoing = Outgoing(bus, clock)
    presence = Presence(
        bus,
        outgoing,
        clock,
        lease_seconds=settings.lease_seconds,
        touch_seconds=settings.lease_touch_seconds,
    )
    transport = Transport(settings)
    hub = Hub(
        wire=transport,
        judge=Judge(TokenVerifier(keys), principals, node_grace_seconds=settings.node_token_grace_seconds),
        memberships=memberships,
        interest=interest,
        outgoing=outgoing,
        presence=presence,
        history=History(peers.peer(API)),
        notice_seconds=settings.socket_notice_seconds,
    )
    listener = Listener(hub, principals, memberships)
    transport.server.register_namespace(TasksNamespace(hub, transport))

    async def send_away() -> None:
        await hub.send_away(spread_seconds=settings.drain_spread_seconds)

    async def leave() -> None:
        await send_away()
        await outgoing.flushed()
        await transport.hang_up_all()

    departure = Departure(notice_seconds=settings.drain_notice_seconds, send_away=leave)
    isolation = Isolation(bus.ping, patience_seconds=settings.isolation_seconds, send_away=send_away)
    app = make_app(title="Sextant relay", description="The event channel: /socket.io, namespace /tasks")
    app.include_router(
        health_router({"broker": bus.ping, "signing_keys": keys.ping, "staying": departure.check_staying})
    )
    return Service(
        name=RELAY,
        app=app,
        asgi=Entry(
            transport.server.handle_request,
            wrap_app(app, settings, service=RELAY),
            is_leaving=departure.is_closed_to_newcomers,
        ),
        tasks=[transport.run, presence.run, interest.run, hub.run, isolation.run],
        drain=[departure.run],
        close=[hub.close, outgoing.close, peers.close],
    )
