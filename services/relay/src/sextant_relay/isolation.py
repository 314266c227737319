"""A replica that has lost the broker hears nothing, so its sockets had better be at another one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from sextant_shared.contract.errors import UnavailableError

_log = structlog.get_logger(__name__)

_CHECK_SECONDS: Final = 1.0


class Isolation:
    """Sends the sockets away once the broker has been lost for a while; the gateway brings them to who is ready.

    Once for each loss: where no replica has the broker, the sockets come back here, have looked for work meanwhile, and
    stay.

    Args:
        ping: asks for the broker.
        patience_seconds: how long it may be lost; a broker that restarts is back sooner.
        send_away: closes the sockets.
        monotonic: seconds that only ever grow.
    """

    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        *,
        patience_seconds: float,
        send_away: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ping = ping
        self._patience_seconds = patience_seconds
        self._send_away = send_away
        self._monotonic = monotonic
        self._lost_since: float | None = None
        self._sent_away = False

    async def check(self) -> None:
        """Look once."""
        try:
            await self._ping()
        except UnavailableError:
            now = self._monotonic()
            if self._lost_since is None:
                self._lost_since = now
            if not self._sent_away and now - self._lost_since >= self._patience_seconds:
                self._sent_away = True
                _log.warning("replica_isolated", seconds=round(now - self._lost_since, 1))
                await self._send_away()
        else:
            self._lost_since, self._sent_away = None, False

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(_CHECK_SECONDS)
