"""Keeps the history in order and within bounds, and reads it.

Several replicas may do all of this at once. Knows no rights and no sockets.
"""

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from sextant_api.history import repository
from sextant_shared.contract.history import HistoryPage
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

_AT_ONCE: Final = 1000
"""How many facts are put in order, or cleared away, in one transaction."""
_PATIENCE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.01


class History:
    """The history, for as long as it is kept.

    Args:
        db: api's database.
        keep_seconds: how old an event may be.
        keep_events: how many are kept at most.
    """

    def __init__(self, db: Database, *, keep_seconds: float, keep_events: int) -> None:
        self._db = db
        self._keep_seconds = keep_seconds
        self._keep_events = keep_events
        self._ordering = asyncio.Lock()

    async def read(
        self, *, after: int | None, limit: int, collaborations: Collection[int] | None = None
    ) -> HistoryPage:
        """Read what was told after a position, everything included that is committed by now.

        Args:
            after: position; None for the end of the history.
            limit: how many facts at most.
            collaborations: only facts of these; None for all.

        Raises:
            UnavailableError: the database is away.
        """
        await self.settle()
        async with self._db.read() as session:
            return await repository.find_page(session, after=after, limit=limit, collaborations=collaborations)

    async def settle(self) -> None:
        """Put into order what was recorded so far.

        Should another replica be stuck while it does the same, its part stays where it is: it is read later.
        """
        clock = asyncio.get_running_loop()
        until = clock.time() + _PATIENCE_SECONDS
        while await self._has_new():
            async with self._ordering:
                if await self._number_some():
                    continue
            if clock.time() > until:
                _log.warning("history_held_up")
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def tidy(self) -> None:
        """Put everything into order, and clear away what is too old or too much.

        Raises:
            UnavailableError: the database is away.
        """
        await self.settle()
        removed = _AT_ONCE
        while removed >= _AT_ONCE:
            async with self._db.transaction() as tx:
                state = await repository.claim(tx.session)
                removed = 0
                if state is not None:
                    removed = await repository.clear_away(
                        tx.session,
                        oldest=state.oldest,
                        newest=state.newest,
                        seconds=self._keep_seconds,
                        count=self._keep_events,
                        limit=_AT_ONCE,
                    )

    async def _has_new(self) -> bool:
        async with self._db.read() as session:
            return await repository.has_new(session)

    async def _number_some(self) -> bool:
        """Give out positions; tells whether any were."""
        async with self._db.transaction() as tx:
            state = await repository.claim(tx.session)
            return state is not None and await repository.number_new(tx.session, state.newest, limit=_AT_ONCE) > 0
