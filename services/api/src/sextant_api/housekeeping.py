"""Throws away what has become too old to matter, and measures what waits."""

from collections.abc import Awaitable, Callable
from typing import Final

from sextant_api.presence import repository
from sextant_api.presence.metrics import NodeMetrics
from sextant_shared.db import Database

CONNECTION_SECONDS: Final = 3600.0
"""How long a closed or lapsed connection is remembered; openings that arrive later than this do not exist."""
_DAY = 86_400.0


class Housekeeping:
    """One round of it. Several replicas may do it at once.

    Args:
        db: api's database.
        metrics: of nodes, to be forgotten when they fall silent.
        measure: says how much waits in the outbox.
        inbox_days: how long a message is remembered.
    """

    def __init__(
        self, db: Database, metrics: NodeMetrics, measure: Callable[[], Awaitable[object]], *, inbox_days: float
    ) -> None:
        self._db = db
        self._metrics = metrics
        self._measure = measure
        self._inbox_days = inbox_days

    async def tidy(self) -> None:
        """Do it once.

        Raises:
            UnavailableError: the database is away.
        """
        self._metrics.forget_silent()
        await self._measure()
        async with self._db.transaction() as tx:
            await repository.leases.forget(tx.session, ended_seconds=CONNECTION_SECONDS)
            await repository.forget_messages(tx.session, message_seconds=self._inbox_days * _DAY)
