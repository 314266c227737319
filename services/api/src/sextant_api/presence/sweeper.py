"""Looks for nodes whose last lease has run out."""

import structlog

from sextant_api.presence import service
from sextant_api.presence.repository import leases
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)


class Sweeper:
    """Settles presence. Several replicas may sweep at once: each node is settled, and told of, by one of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def sweep(self) -> int:
        """Set offline whoever is; returns how many nodes that were.

        Raises:
            UnavailableError: the database is away.
        """
        # the ordinary case costs one question and no transaction that writes
        async with self._db.read() as session:
            if not await leases.any_lapsed(session):
                return 0
        async with self._db.transaction() as tx:
            count = await service.settle(tx)
        _log.info("nodes_went_offline", count=count)
        return count
