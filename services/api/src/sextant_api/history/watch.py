"""Lets programs wait for events at next to no cost.

Owns who waits, in this process. Events are heard on the bus while somebody waits, and for a while after; they only say
that it is worth reading on. Knows no HTTP and reads nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import structlog

from sextant_shared.contract.audiences import emissions
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.rooms import Room
from sextant_shared.messaging import Bus

_log = structlog.get_logger(__name__)

_EVERYTHING = "*.*.*"
_RECHECK_SECONDS = 5.0
"""After so long it is worth reading on though nothing was heard."""
_LINGER_SECONDS = 30.0


class Waiter:
    """One program that waits.

    Args:
        rooms: in which its user sits.
        seconds: how long it waits at most, in all.
    """

    def __init__(self, rooms: Collection[Room], *, seconds: float) -> None:
        self.rooms = rooms
        self._until = asyncio.get_running_loop().time() + seconds
        self._told = asyncio.Event()
        self._is_released = False

    def tell(self) -> None:
        """Say that there is something."""
        self._told.set()

    def release(self) -> None:
        """Let it go."""
        self._is_released = True
        self._told.set()

    async def is_worth_reading(self) -> bool:
        """Wait until it is worth reading on; False when the time is up."""
        clock = asyncio.get_running_loop()
        if self._is_released or clock.time() >= self._until:
            return False
        try:
            async with asyncio.timeout_at(min(self._until, clock.time() + _RECHECK_SECONDS)):
                await self._told.wait()
        except TimeoutError:
            return clock.time() < self._until
        self._told.clear()
        return not self._is_released


class HistoryWatch:
    """Everybody who waits.

    Args:
        bus: where events are heard.
    """

    def __init__(self, bus: Bus) -> None:
        self._broadcast = bus.broadcast(self.on_event, on_gap=self.on_gap)
        self._waiters: set[Waiter] = set()
        self._is_bound = False
        self._is_ending = False

    @asynccontextmanager
    async def waiter(self, rooms: Collection[Room], *, seconds: float) -> AsyncIterator[Waiter]:
        """Hear of events from now on; begin before reading, so that none falls in between."""
        waiter = Waiter(rooms, seconds=seconds)
        if self._is_ending:
            waiter.release()
        self._waiters.add(waiter)
        try:
            if seconds > 0:
                await self._broadcast.bind(_EVERYTHING)
                self._is_bound = True
            yield waiter
        finally:
            self._waiters.discard(waiter)

    async def on_event(self, envelope: Envelope) -> None:
        """Tell those who hear of it."""
        told = emissions(envelope)
        for waiter in self._waiters:
            if any(emission.is_for_user(waiter.rooms) for emission in told):
                waiter.tell()

    async def on_gap(self) -> None:
        """Tell everybody: events may have been missed."""
        for waiter in self._waiters:
            waiter.tell()

    async def release(self) -> None:
        """Let everybody go, because the process is about to end."""
        self._is_ending = True
        for waiter in self._waiters:
            waiter.release()

    async def let_go(self) -> None:
        """Hear nothing any more, if nobody waits."""
        if self._is_bound and not self._waiters:
            self._is_bound = False
            await self._broadcast.unbind(_EVERYTHING)

    async def run(self) -> None:
        """Let go now and then, until cancelled."""
        while True:
            await asyncio.sleep(_LINGER_SECONDS)
            await self.let_go()
