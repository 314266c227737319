"""Clears away what has no meaning any more, now and then. Every replica does; twice does no harm."""

import asyncio
from datetime import timedelta

import structlog

from sextant_auth.directory import repository as directory
from sextant_auth.presence.repository import leases
from sextant_auth.recovery import repository as recovery
from sextant_auth.tokens import repository as families
from sextant_shared.clock import Clock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

_EVERY_SECONDS = 3600.0
_INBOX_KEPT = timedelta(days=14)
"""Longer than any broker keeps a message for a consumer that is away."""
_CONNECTIONS_KEPT_SECONDS = 3600.0
"""Openings that arrive later than this do not exist."""
_RECOVERY_KEPT = timedelta(days=7)
"""Recovery tokens that ran out are good for nothing, but may help to understand what happened."""


class Housekeeping:
    """Deletes ended logins and connections, old recovery tokens and old inbox entries.

    Args:
        db: auth's database.
        clock: says what is old.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        """Clean until cancelled."""
        while True:
            try:
                await self.clean()
            except UnavailableError as error:
                _log.warning("cleaning_failed", reason=error.msg)
            await asyncio.sleep(_EVERY_SECONDS)

    async def clean(self) -> None:
        """Clean once."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            ended = await families.purge(tx.session, before=now)
            await recovery.purge(tx.session, before=now - _RECOVERY_KEPT)
            await leases.forget(tx.session, ended_seconds=_CONNECTIONS_KEPT_SECONDS)
            await directory.forget_messages(tx.session, before=now - _INBOX_KEPT)
        _log.info("cleaned", ended_logins=ended)
