"""Users who asked for offsets: told all events in the one order of the history, those of the past first.

They are not told what the broker brings, which comes in no promised order. What the broker brings only wakes the
*tail*, which reads the history on and tells all of them who have *caught up*. Who comes with an offset reads the
history by itself until it has reached the tail; so nothing has to be kept back for anybody, and nothing comes twice.
Whatever is told, past or present, is told by the rights of that moment.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from sextant_relay.connections import Address, Connection
from sextant_relay.history import History
from sextant_relay.interest import collaborations_in
from sextant_relay.rooms import Rooms
from sextant_relay.telemetry import EMITS, FOLLOWERS, HISTORY_GAPS, REPLAYED
from sextant_shared.contract import socket_events
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.history import NEWEST, Entry, HistoryPage, Offset, parts, traceable
from sextant_shared.contract.rooms import Room

_log = structlog.get_logger(__name__)

_CATCHING_UP_AT_ONCE = 4
"""So many pages are fetched at a time for those who catch up, however many they are."""
_COLLECT_SECONDS = 0.02
"""How long the tail waits for more to come before it reads."""
_RECHECK_SECONDS = 5.0
"""How often the tail reads without having been woken."""
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_SLOW_SECONDS = 0.05
"""How often it is looked whether a socket has taken what it was sent."""

_NOWHERE: Final = Offset(UUID(int=0), 0)
"""Stands for what is no offset: no history goes on from there."""

Deliver = Callable[[str, Mapping[str, Any] | str | None, Iterable[Connection]], None]


class _Follower:
    """A connection that asked for offsets.

    Attributes:
        connection: of a user.
        heard: up to where it was told, before the tail took over; None for the end of the history, not yet asked for.
        is_live: it has caught up, and the tail tells it.
        catching_up: the job that tells it what it missed.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.heard = _offset_in(connection.since)
        self.is_live = False
        self.catching_up: asyncio.Task[None] | None = None


class Following:
    """All of them, and the tail.

    Args:
        history: where events are read.
        deliver: sends a socket event to connections.
        is_backed_up: whether a socket has much to take before it should be sent more.
    """

    def __init__(self, history: History, deliver: Deliver, is_backed_up: Callable[[Address], bool]) -> None:
        self._history = history
        self._deliver = deliver
        self._is_backed_up = is_backed_up
        self._rooms = Rooms()
        self._followers: dict[str, _Follower] = {}
        self._live: dict[str, _Follower] = {}
        self._tail: Offset | None = None
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._catching_up = asyncio.Semaphore(_CATCHING_UP_AT_ONCE)

    def join(self, connection: Connection, rooms: Collection[Room]) -> None:
        """Let a connection hear what is told in rooms, beside what it hears already; its `listening` has them."""
        follower = self._followers.get(connection.id)
        if follower is None:
            follower = self._followers[connection.id] = _Follower(connection)
            follower.catching_up = asyncio.create_task(self._catch_up(follower))
            follower.catching_up.add_done_callback(_log_failure)
            self._count()
        elif follower.is_live:
            self._rooms.join(connection, ClientType.USER, rooms)

    def leave(self, connection: Connection, rooms: Collection[Room]) -> None:
        """Let a connection hear no more of rooms; its `listening` has them no more."""
        if connection.id in self._live:
            self._rooms.leave(connection, ClientType.USER, rooms)

    def forget(self, connection: Connection) -> None:
        """Tell a connection nothing any more."""
        follower = self._followers.pop(connection.id, None)
        if follower is None:
            return
        if follower.catching_up is not None:
            follower.catching_up.cancel()
        if self._live.pop(connection.id, None) is not None:
            self._rooms.leave(connection, ClientType.USER, connection.listening.rooms)
        self._count()

    def wake(self) -> None:
        """Something happened: read on soon."""
        if self._followers:
            self._woken.set()

    async def run(self) -> None:
        """Be the tail, until cancelled."""
        failures = 0
        while True:
            await self._until_woken()
            self._woken.clear()
            try:
                async with self._turn:
                    await self._read_on()
                failures = 0
            except UnavailableError as error:
                if failures == 0:
                    _log.warning("history_unread", reason=error.msg)
                self._woken.set()
                await _back_off(failures)
                failures += 1

    async def close(self) -> None:
        """Stop telling."""
        jobs = [follower.catching_up for follower in self._followers.values() if follower.catching_up is not None]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    # -- the tail --------------------------------------------------------------------------------

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(_RECHECK_SECONDS if self._live else None):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_COLLECT_SECONDS)

    async def _read_on(self) -> None:
        """Tell those who have caught up what is new. Nobody joins them meanwhile."""
        is_last = False
        while self._live and self._tail is not None and not is_last:
            page = await self._history.read(
                self._tail.number, _collaborations(follower.connection for follower in self._live.values())
            )
            if page.continues(self._tail):
                for entry in page.entries:
                    self._tell_live(page.epoch, entry)
            else:
                self._tell_gap([follower.connection for follower in self._live.values()], page)
                page = page.model_copy(update={"reached": page.newest})
            self._tail = page.end
            is_last = page.is_last

    def _tell_live(self, epoch: UUID, entry: Entry) -> None:
        for offset, emission in parts(epoch, entry):
            audience = [
                connection
                for connection in self._rooms.members(emission.to, but_not=emission.but_not)
                if _is_news(self._live[connection.id], offset)
            ]
            if audience:
                EMITS.labels(emission.event).inc()
                self._deliver(emission.event, traceable(emission.payload, entry.envelope.id, offset), audience)

    # -- catching up -----------------------------------------------------------------------------

    async def _catch_up(self, follower: _Follower) -> None:
        """Tell a connection what it missed, until it has heard as much as the others; then it is one of them."""
        failures = 0
        while not follower.is_live:
            try:
                await self._until_it_takes_more(follower.connection)
                async with self._catching_up:
                    page = await self._next_page(follower)
                heard = await self._replay(follower, page)
                if page.is_last:
                    async with self._turn:
                        await self._join(follower, heard)
                failures = 0
            except UnavailableError as error:
                if failures == 0:
                    _log.warning("recovery_waits", connection=follower.connection.id, reason=error.msg)
                await _back_off(failures)
                failures += 1

    async def _next_page(self, follower: _Follower) -> HistoryPage:
        after = None if follower.heard is None else follower.heard.number
        return await self._history.read(after, _collaborations([follower.connection]))

    async def _replay(self, follower: _Follower, page: HistoryPage) -> Offset:
        """Tell a connection what is on a page, or that the history does not reach back far enough."""
        if follower.heard is None:
            follower.heard = page.end
        elif page.continues(follower.heard):
            for entry in page.entries:
                await self._until_it_takes_more(follower.connection)
                self._tell_one(follower, page.epoch, entry)
            follower.heard = max(follower.heard, page.end)
        else:
            self._tell_gap([follower.connection], page)
            follower.heard = Offset(page.epoch, page.newest)
        return follower.heard

    async def _join(self, follower: _Follower, heard: Offset) -> None:
        """Let the tail, which stands still meanwhile, tell a connection from now on, if it has heard as much."""
        if self._live and self._tail is not None and self._tail.epoch != heard.epoch:
            await self._read_on()
        if self._live and self._tail is not None and heard < self._tail:
            page = await self._next_page(follower)
            if not page.continues(heard):
                return
            for entry in page.entries:
                self._tell_one(follower, page.epoch, entry)
            follower.heard = heard = max(heard, page.end)
            if heard < self._tail:
                return
        if not self._live:
            self._tail = heard
        connection = follower.connection
        follower.is_live = True
        self._live[connection.id] = follower
        self._rooms.join(connection, ClientType.USER, connection.listening.rooms)
        self._deliver(socket_events.HISTORY_CAUGHT_UP, {"offset": str(heard)}, [connection])
        self._count()
        self._woken.set()

    def _tell_one(self, follower: _Follower, epoch: UUID, entry: Entry) -> None:
        connection = follower.connection
        for offset, emission in parts(epoch, entry):
            if _is_news(follower, offset) and emission.is_for_user(connection.listening.rooms):
                REPLAYED.inc()
                self._deliver(emission.event, traceable(emission.payload, entry.envelope.id, offset), [connection])

    async def _until_it_takes_more(self, connection: Connection) -> None:
        while self._is_backed_up(connection.address):  # noqa: ASYNC110 - the library's queue tells nobody
            await asyncio.sleep(_SLOW_SECONDS)

    # -- both ------------------------------------------------------------------------------------

    def _tell_gap(self, connections: Collection[Connection], page: HistoryPage) -> None:
        HISTORY_GAPS.inc(len(connections))
        self._deliver(socket_events.HISTORY_GAP, {"offset": str(Offset(page.epoch, page.newest))}, connections)

    def _count(self) -> None:
        FOLLOWERS.labels("live").set(len(self._live))
        FOLLOWERS.labels("catching up").set(len(self._followers) - len(self._live))


def _offset_in(since: str | None) -> Offset | None:
    """Read from where on a client wants to hear; None for "from now on"."""
    if since is None or since == NEWEST:
        return None
    try:
        return Offset.parse(since)
    except ValueError:
        return _NOWHERE


def _is_news(follower: _Follower, offset: Offset) -> bool:
    return follower.heard is None or follower.heard.epoch != offset.epoch or follower.heard < offset


def _collaborations(connections: Iterable[Connection]) -> frozenset[int] | None:
    """Say whose events these may hear; None for everybody's."""
    return collaborations_in(frozenset().union(*(connection.listening.keys for connection in connections)))


async def _back_off(failures: int) -> None:
    pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
    await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, guards nothing


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("recovery_failed", exc_info=task.exception())
