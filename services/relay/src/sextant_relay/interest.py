"""Which events this replica hears: those of collaborations that have a socket here, and no others.

Keeps count of who needs a key. A key is bound when the first one does, and let go some time after the last one left,
so that a reconnect does not go through the broker.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from sextant_relay.telemetry import BINDINGS
from sextant_shared.messaging import Broadcast

_log = structlog.get_logger(__name__)

_TICK_SECONDS = 1.0

EVERYTHING: Final = "*.*.*"
"""The key of all events of all collaborations."""


def about(collaboration_id: int) -> str:
    """Make the key of all events of one collaboration."""
    return f"*.*.{collaboration_id}"


def collaborations_in(keys: Collection[str]) -> frozenset[int] | None:
    """Name the collaborations whose events match keys that `about` made; None for all."""
    if EVERYTHING in keys:
        return None
    return frozenset(int(key.rpartition(".")[2]) for key in keys)


class Interest:
    """The bindings of this replica.

    Args:
        broadcast: where events are heard.
        linger_seconds: how long a binding outlives its last use.
        monotonic: seconds that only ever grow.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        *,
        linger_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broadcast = broadcast
        self._linger_seconds = linger_seconds
        self._monotonic = monotonic
        self._users: dict[str, int] = {}
        self._bound: dict[str, asyncio.Task[None]] = {}
        self._idle_since: dict[str, float] = {}
        self._letting_go: dict[str, asyncio.Task[None]] = {}

    async def acquire(self, keys: Collection[str]) -> None:
        """Need these keys from now on; returns once events that match them are heard.

        Each call is to be matched by one `release`, unless it raises.
        """
        for key in keys:
            self._users[key] = self._users.get(key, 0) + 1
            self._idle_since.pop(key, None)
        try:
            for key in keys:
                await self._hear(key)
        except BaseException:
            self.release(keys)
            raise

    def release(self, keys: Collection[str]) -> None:
        """Need these keys no more."""
        for key in keys:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._idle_since[key] = self._monotonic()

    async def let_go(self) -> None:
        """Stop hearing what nobody has needed for a while."""
        now = self._monotonic()
        for key in [key for key, since in self._idle_since.items() if now - since >= self._linger_seconds]:
            del self._idle_since[key]
            if self._bound.pop(key, None) is not None:
                self._letting_go[key] = asyncio.create_task(self._broadcast.unbind(key))
        for key, task in list(self._letting_go.items()):
            await task
            self._letting_go.pop(key, None)
        BINDINGS.set(len(self._bound))

    async def run(self) -> None:
        """Let go now and then, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            await self.let_go()

    async def _hear(self, key: str) -> None:
        task = self._bound.get(key)
        if task is None:
            task = self._bound[key] = asyncio.create_task(self._bind(key))
        try:
            # others wait for the same binding, so one who gives up must not take it along
            await asyncio.shield(task)
        except Exception:
            # whatever kept it from being bound is told to who asked; the next one is to try anew
            if self._bound.get(key) is task:
                del self._bound[key]
            raise

    async def _bind(self, key: str) -> None:
        letting_go = self._letting_go.get(key)
        if letting_go is not None:
            await asyncio.wait([letting_go])
        await self._broadcast.bind(key)
        _log.debug("collaboration_heard", key=key)
