"""Mends what events left wrong, and forgets what matters no more. Every replica does; twice does no harm."""

from typing import Final

from sextant_shared.db import Database
from sextant_vpn_registry.knowledge import repository
from sextant_vpn_registry.knowledge.service import Knowledge

_AT_ONCE: Final = 500
"""As many runs as api says something about in one answer."""
_DAY = 86_400.0


class Reconciler:
    """See the module.

    Args:
        db: vpn-registry's database.
        knowledge: that is to be mended.
        seconds: how old what is known of a run may become.
        run_days: how long a run that ended and shows no port is remembered.
    """

    def __init__(self, db: Database, knowledge: Knowledge, *, seconds: float, run_days: float) -> None:
        self._db = db
        self._knowledge = knowledge
        self._seconds = seconds
        self._run_days = run_days

    async def mend(self) -> None:
        """Ask api about all runs that matter and were not asked about for a while.

        Raises:
            UnavailableError: api or the database is away; the next time will do.
        """
        last = 0
        while True:
            async with self._db.read() as session:
                found = await repository.find_unchecked(session, after=last, seconds=self._seconds, limit=_AT_ONCE)
            if not found:
                return
            await self._knowledge.check(found, tell_again=True)
            last = found[-1]

    async def tidy(self) -> None:
        """Forget runs of which nothing is to be expected any more.

        Raises:
            UnavailableError: the database is away.
        """
        async with self._db.transaction() as tx:
            await repository.forget_ended(tx.session, seconds=self._run_days * _DAY)
