"""auth's unit of work: a transaction whose facts this process takes to heart at once.

Other processes hear of a changed principal over the bus; the one that changed it must not serve the old one meanwhile.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sextant_shared.db import Database, Transaction
from sextant_shared.security import PrincipalCache

Change = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Opens a unit of work."""


def changes(db: Database, principals: PrincipalCache) -> Change:
    """Make the units of work of one application."""

    @asynccontextmanager
    async def change() -> AsyncIterator[Transaction]:
        async with db.transaction() as tx:
            yield tx
        for envelope in tx.recorded:
            await principals.on_event(envelope)

    return change
