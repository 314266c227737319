"""How this replica leaves: it is no longer ready, then takes no newcomers, then sends away those it has."""

import asyncio
from collections.abc import Awaitable, Callable

from sextant_shared.contract.errors import UnavailableError


class Departure:
    """Takes the steps in order; to be run once, while everything else still works.

    Args:
        notice_seconds: how long the gateway has to see that this replica is not ready any more.
        send_away: closes the sockets.
    """

    def __init__(self, *, notice_seconds: float, send_away: Callable[[], Awaitable[None]]) -> None:
        self._notice_seconds = notice_seconds
        self._send_away = send_away
        self._announced = False
        self._closed_to_newcomers = False

    async def check_staying(self) -> None:
        """Check that this replica means to stay; for readiness.

        Raises:
            UnavailableError: it does not.
        """
        if self._announced:
            raise UnavailableError("This replica is being stopped")

    def is_closed_to_newcomers(self) -> bool:
        """Whether newcomers are to go elsewhere."""
        return self._closed_to_newcomers

    async def run(self) -> None:
        """Leave."""
        self._announced = True
        await asyncio.sleep(self._notice_seconds)
        self._closed_to_newcomers = True
        await self._send_away()
