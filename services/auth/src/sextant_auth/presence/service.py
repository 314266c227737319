"""Decides which users are online. Nobody is told: who wants to know looks at the user.

Opens no transaction and commits none.
"""

from collections.abc import Mapping

from sextant_auth.presence import repository
from sextant_auth.presence.repository import leases
from sextant_shared.db import Transaction


async def keep_alive(tx: Transaction, live: Mapping[str, int], *, lease_seconds: float) -> None:
    """Extend the leases of connections; their users are online by that.

    Args:
        tx: the unit of work.
        live: connections, each with its user; users that are no more are ignored.
        lease_seconds: how long the connections count from now.
    """
    known = set(await leases.lock_owners(tx.session, set(live.values())))
    live = {connection_id: user_id for connection_id, user_id in live.items() if user_id in known}
    if not live:
        return
    alive = await leases.extend(tx.session, live, lease_seconds=lease_seconds)
    await repository.note_seen(tx.session, alive)
    await leases.set_online(tx.session, alive)


async def close_connection(tx: Transaction, connection_id: str, user_id: int) -> None:
    """A connection is gone; its user is offline at once if it was the last (nothing waits for users, as for nodes)."""
    known = await leases.lock_owners(tx.session, [user_id])
    await leases.close(tx.session, connection_id, user_id)
    await leases.settle(tx.session, known)
