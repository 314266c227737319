"""Looks for users whose last lease has run out."""

import structlog

from sextant_auth.presence.repository import leases
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)


class Sweeper:
    """Settles presence. Several replicas may sweep at once: each user is settled by one of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def sweep(self) -> int:
        """Set offline whoever is; returns how many users that were.

        Raises:
            UnavailableError: the database is away.
        """
        # the ordinary case costs one question and no transaction that writes
        async with self._db.read() as session:
            if not await leases.any_lapsed(session):
                return 0
        async with self._db.transaction() as tx:
            count = len(await leases.set_lapsed_offline(tx.session))
        _log.info("users_went_offline", count=count)
        return count
