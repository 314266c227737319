"""All connections of this replica: who they are, what they may hear, what they say.

Whatever may change what a connection hears (its first moment, a changed principal, a changed membership, events that
may have been missed) makes it *dirty*; one job per connection then judges its token anew and seats it. Sockets are
behind the `Wire` port.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import structlog

from sextant_relay.connections import Address, Connection
from sextant_relay.following import Following
from sextant_relay.history import History
from sextant_relay.inbound import Refusal, RefusedEventError
from sextant_relay.interest import Interest
from sextant_relay.judge import Judge, TurnedAwayError
from sextant_relay.listening import SILENCE, Listening, listening_of_node, listening_of_user
from sextant_relay.memberships import Memberships
from sextant_relay.outgoing import Outgoing
from sextant_relay.presence import Presence
from sextant_relay.rooms import Rooms
from sextant_relay.telemetry import CONNECTIONS, DELIVERIES, EMITS, REFUSED_EVENTS, REFUSED_TOKENS, ROOMS
from sextant_relay.wire import Wire
from sextant_shared.contract import socket_events
from sextant_shared.contract.audiences import NODES, Audience, Emission, depends_on_collaborations
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.rooms import Room
from sextant_shared.ids import new_id
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

_JUDGED_AT_ONCE = 64
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_SYNC_SPREAD_SECONDS = 1.0
_SYNC_SPREAD_STEPS = 20
_LONGEST_NAME = 100
_UNIDENTIFIED = "unidentified"
_ALL_NODES = (Audience(Room.all_nodes(), NODES),)


class Hub:
    """See the module.

    Args:
        wire: to the sockets.
        judge: says whose a token is.
        memberships: says which collaborations an organization takes part in.
        interest: the events that this replica hears.
        outgoing: takes commands to api and auth.
        presence: tells them who is here.
        history: of the events, for those who ask for them with offsets.
        notice_seconds: how long a client that is turned away has to leave by itself.
    """

    def __init__(
        self,
        *,
        wire: Wire,
        judge: Judge,
        memberships: Memberships,
        interest: Interest,
        outgoing: Outgoing,
        presence: Presence,
        history: History,
        notice_seconds: float,
    ) -> None:
        self._wire = wire
        self._judge = judge
        self._memberships = memberships
        self._interest = interest
        self._outgoing = outgoing
        self._presence = presence
        self._notice_seconds = notice_seconds
        self._rooms = Rooms()
        self._following = Following(history, self._deliver, wire.is_backed_up)
        self._connections: dict[str, Connection] = {}
        self._of_subject: dict[tuple[ClientType, int], set[Connection]] = {}
        self._being_seated: set[Connection] = set()
        self._judging = asyncio.Semaphore(_JUDGED_AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()

    # -- what sockets do -------------------------------------------------------------------------

    def knows(self, sid: str) -> bool:
        """Whether a connection of this name is here."""
        return sid in self._connections

    def connected(self, address: Address, token: str | None, *, since: str | None = None) -> None:
        """A socket entered the namespace; it is judged in the background."""
        connection = Connection(str(new_id()), address, token, since=since)
        self._connections[address.sid] = connection
        CONNECTIONS.labels(_UNIDENTIFIED).inc()
        self._review(connection)

    def received(self, sid: str, event: str, arguments: tuple[Any, ...]) -> None:
        """A socket said something."""
        connection = self._connections.get(sid)
        if connection is not None and connection.is_open():
            self._take(connection, event, arguments)

    def disconnected(self, sid: str, reason: str) -> None:
        """A socket left the namespace, or is gone altogether."""
        connection = self._connections.pop(sid, None)
        if connection is not None:
            self._close(connection, reason)

    # -- what happens elsewhere ------------------------------------------------------------------

    def emit(self, emission: Emission) -> None:
        """Send a socket event to its audience, each connection once."""
        audience = self._rooms.members(emission.to, but_not=emission.but_not)
        EMITS.labels(emission.event).inc()
        if audience:
            self._deliver(emission.event, emission.payload, audience)
        self._following.wake()

    def review_principal(self, client_type: ClientType, principal_id: int) -> None:
        """Look again at the connections of a principal."""
        self._review_all(self._of_subject.get((client_type, principal_id), ()))

    def review_where(self, concerned: Callable[[Principal], bool]) -> None:
        """Look again at the connections of such principals, and at those of whom nobody knows yet."""
        self._review_all(
            connection
            for connection in self._connections.values()
            if connection.principal is None or concerned(connection.principal)
        )

    def turn_node_away(self, node_id: int) -> None:
        """Close the connections of a node that is no more."""
        for connection in list(self._of_subject.get((ClientType.NODE, node_id), ())):
            self._turn_away(connection, TurnedAwayError(socket_events.INVALID_TOKEN, "the node was deleted"))

    def reannounce(self) -> None:
        """Say again who is here, since nobody may have heard it, and let all nodes look for work."""
        self._presence.announce_all()
        self._following.wake()
        self._start(self._sync_all())

    async def send_away(self, *, spread_seconds: float) -> None:
        """Close all sockets, one after the other, so that their clients go to another replica."""
        leaving = list(self._connections.values())
        random.shuffle(leaving)
        for connection in leaving:
            await self._wire.hang_up(connection.address)
            await asyncio.sleep(spread_seconds / len(leaving))
        _log.info("sockets_sent_away", sockets=len(leaving))

    async def close(self) -> None:
        """Stop all that is under way; who is still here is not any more."""
        for connection in self._connections.values():
            self._close(connection, "relay ends")
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._following.close()

    async def run(self) -> None:
        """Tell those who follow the history how it goes on, until cancelled."""
        await self._following.run()

    # -- who sits where --------------------------------------------------------------------------

    def _review_all(self, connections: Iterable[Connection]) -> None:
        for connection in list(connections):
            self._review(connection)

    def _review(self, connection: Connection) -> None:
        if not connection.is_open():
            return
        connection.dirty = True
        if connection not in self._being_seated:
            self._being_seated.add(connection)
            self._start(self._seat_until_clean(connection))

    async def _seat_until_clean(self, connection: Connection) -> None:
        failures = 0
        try:
            while connection.dirty and connection.is_open():
                connection.dirty = False
                try:
                    await self._seat(connection)
                    failures = 0
                except TurnedAwayError as refusal:
                    self._turn_away(connection, refusal)
                except UnavailableError as error:
                    # Nothing is known against it: it stays as it is until auth and api can be asked.
                    connection.dirty = True
                    if failures == 0:
                        _log.warning("connection_waits", connection=connection.id, reason=error.msg)
                    pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                    failures += 1
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, guards nothing
        finally:
            self._being_seated.discard(connection)

    async def _seat(self, connection: Connection) -> None:
        """Find out who it is and seat it accordingly: it leaves rooms before it enters others."""
        async with self._judging:
            if not connection.is_open():
                return
            principal = await self._identify(connection)
            listening = await self._listening(principal)
        if not connection.is_open():
            return
        before = connection.listening
        connection.listening = before.without(before.rooms - listening.rooms)
        self._leave_rooms(connection, principal, before.rooms - listening.rooms)
        await self._interest.acquire(listening.keys - before.keys)
        if not connection.is_open():
            self._interest.release(listening.keys - before.keys)
            return
        connection.listening = listening
        self._join_rooms(connection, principal, listening.rooms - before.rooms)
        self._interest.release(before.keys - listening.keys)
        self._welcome(connection, principal, before)

    def _join_rooms(self, connection: Connection, principal: Principal, rooms: frozenset[Room]) -> None:
        if _follows(connection, principal):
            self._following.join(connection, rooms)
        else:
            self._rooms.join(connection, principal.client_type, rooms)
            ROOMS.set(len(self._rooms))

    def _leave_rooms(self, connection: Connection, principal: Principal, rooms: frozenset[Room]) -> None:
        if _follows(connection, principal):
            self._following.leave(connection, rooms)
        else:
            self._rooms.leave(connection, principal.client_type, rooms)
            ROOMS.set(len(self._rooms))

    async def _identify(self, connection: Connection) -> Principal:
        claims = await self._judge.claims_in(connection.credentials)
        if connection.subject is None and isinstance(claims.sub, int) and connection.is_open():
            # from here on it is found when this principal changes, also while auth is being asked
            connection.subject = (claims.client_type, claims.sub)
            self._of_subject.setdefault(connection.subject, set()).add(connection)
        return await self._judge.principal_of(claims)

    async def _listening(self, principal: Principal) -> Listening:
        if principal.is_node:
            is_member = principal.collaboration_id is None or await self._memberships.is_member(
                principal.organization_id, principal.collaboration_id
            )
            return listening_of_node(principal, is_member=is_member)
        if not depends_on_collaborations(principal.rights):
            return listening_of_user(principal, ())
        return listening_of_user(principal, await self._memberships.collaborations_of(principal.organization_id))

    def _welcome(self, connection: Connection, principal: Principal, before: Listening) -> None:
        """Tell a connection where it sits now, and let a node look for work."""
        is_new = connection.principal is None
        said = connection.identify(principal)
        listening = connection.listening
        who = f"{principal.client_type.capitalize()} {principal.name}"
        for room in before.told:
            if room not in listening.rooms:
                self._deliver(socket_events.MESSAGE, f"{who} left room {room}", [connection])
        for room in listening.told:
            if room not in before.rooms:
                self._deliver(socket_events.MESSAGE, f"{who} joined room {room}", [connection])
        if principal.is_node and (is_new or listening.keys - before.keys):
            self._deliver(socket_events.SYNC, None, [connection])
        if not is_new:
            return
        CONNECTIONS.labels(_UNIDENTIFIED).dec()
        CONNECTIONS.labels(principal.client_type).inc()
        _log.info(
            "connection_identified", connection=connection.id, principal=f"{principal.client_type}:{principal.id}"
        )
        self._presence.opened(connection.id, principal)
        for event, arguments in said:
            self._take(connection, event, arguments)

    def _turn_away(self, connection: Connection, refusal: TurnedAwayError) -> None:
        """Tell a client that its token is no good, and end the connection."""
        if not self._close(connection, f"turned away: {refusal}"):
            return
        REFUSED_TOKENS.labels(refusal.notice).inc()
        self._deliver(refusal.notice, None, [connection])
        self._start(self._dismiss_later(connection))

    async def _dismiss_later(self, connection: Connection) -> None:
        """Give the client a moment to leave by itself: a node does, and connects anew with another token."""
        await asyncio.sleep(self._notice_seconds)
        await self._wire.dismiss(connection.address)

    def _close(self, connection: Connection, reason: str) -> bool:
        """Take a connection out of everything; tells whether it was open until now."""
        principal = connection.principal
        if not connection.close():
            return False
        CONNECTIONS.labels(_UNIDENTIFIED if principal is None else principal.client_type).dec()
        if principal is not None:
            self._leave_rooms(connection, principal, connection.listening.rooms)
            self._following.forget(connection)
            self._interest.release(connection.listening.keys)
            connection.listening = SILENCE
            self._presence.closed(connection.id)
        if connection.subject is not None:
            others = self._of_subject[connection.subject]
            others.discard(connection)
            if not others:
                del self._of_subject[connection.subject]
        _log.info("connection_closed", connection=connection.id, reason=reason)
        return True

    # -- what is sent and said -------------------------------------------------------------------

    def _deliver(self, event: str, payload: Mapping[str, Any] | str | None, connections: Iterable[Connection]) -> None:
        packet = self._wire.packet(event, payload)
        delivered = sum(self._wire.send(connection.address, packet) for connection in connections)
        DELIVERIES.labels(event).inc(delivered)

    async def _sync_all(self) -> None:
        """Let all nodes look for work, not all in the same moment."""
        nodes = self._rooms.members(_ALL_NODES)
        random.shuffle(nodes)
        step = max(1, -(-len(nodes) // _SYNC_SPREAD_STEPS))
        for start in range(0, len(nodes), step):
            self._deliver(socket_events.SYNC, None, nodes[start : start + step])
            await asyncio.sleep(_SYNC_SPREAD_SECONDS / _SYNC_SPREAD_STEPS)

    def _take(self, connection: Connection, event: str, arguments: tuple[Any, ...]) -> None:
        try:
            command = connection.receive(event, arguments)
        except RefusedEventError as error:
            self._note_refusal(connection, event, error.refusal)
            return
        if command is not None and not self._outgoing.put(connection.id, command):
            self._note_refusal(connection, event, Refusal.TOO_MANY)
            self._start(self._wire.hang_up(connection.address))

    def _note_refusal(self, connection: Connection, event: str, refusal: Refusal) -> None:
        REFUSED_EVENTS.labels(refusal).inc()
        if connection.is_first(refusal):
            _log.warning(
                "event_refused", connection=connection.id, event_name=event[:_LONGEST_NAME], reason=str(refusal)
            )

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("job_failed", exc_info=task.exception())


def _follows(connection: Connection, principal: Principal) -> bool:
    """Whether a connection is told by the history; nodes look for work by themselves when they come."""
    return connection.since is not None and principal.is_user
