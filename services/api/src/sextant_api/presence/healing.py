"""Looks for runs that their node, though online, does not start, and tells the node to look.

A hint that got lost must not wait for the next reconnect. But a node that is told to look queues all its open runs
once more, and would do them twice: so only a node that does nothing is told, and not before it was given time.
"""

import structlog

from sextant_api.presence import repository, service
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)


class Healer:
    """Heals what a lost hint left behind. Several replicas may heal at once: each node is told by one of them.

    Args:
        db: api's database.
        pending_seconds: how long a run may wait at a node that is online and does nothing.
        repeat_seconds: how long a node is not told again.
    """

    def __init__(self, db: Database, *, pending_seconds: float, repeat_seconds: float) -> None:
        self._db = db
        self._pending_seconds = pending_seconds
        self._repeat_seconds = repeat_seconds

    async def heal(self) -> int:
        """Tell the nodes; returns how many there were.

        Raises:
            UnavailableError: the database is away.
        """
        limits = {"pending_seconds": self._pending_seconds, "repeat_seconds": self._repeat_seconds}
        # the ordinary case costs one question and no transaction that writes
        async with self._db.read() as session:
            if not await repository.any_idle_with_work(session, **limits):
                return 0
        async with self._db.transaction() as tx:
            count = await service.request_syncs(tx, **limits)
        _log.info("nodes_told_to_look", count=count)
        return count
