"""Leases of connections: whoever has one that runs is there.

A row for each connection, with its owner and `online_until` by the database's clock; the owner's row has the settled
answer in `status`. Whoever may change it locks the owner first, and looks at the connections afterwards: a statement
that waited for the lock sees what the holder did, so that opening and sweeping cannot pass each other.

Opens no transaction and commits none; what a change of the answer means, and to whom it is told, its user knows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Table, and_, case, exists, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.contract.statuses import Presence
from sextant_shared.db.model import utc_after, utc_now


class Leases:
    """The leases of one kind of owners.

    Args:
        connections: has `connection_id`, `online_until`, `closed_at`, and a column for the owner.
        owner: that column.
        owners: has `id` and `status`.
        told: what is returned of an owner whose status changed.
    """

    def __init__(
        self, connections: Table, *, owner: Column[int], owners: Table, told: Sequence[ColumnElement[Any]]
    ) -> None:
        self._connections = connections
        self._owner = owner
        self._owners = owners
        self._told = told

    async def lock_owners(self, session: AsyncSession, owner_ids: Collection[int]) -> Sequence[int]:
        """Lock those owners that exist, in the order of their ids."""
        id_ = self._owners.c.id
        found = await session.execute(
            select(id_).where(id_.in_(owner_ids)).order_by(id_).with_for_update(key_share=True)
        )
        return found.scalars().all()

    async def extend(self, session: AsyncSession, live: Mapping[str, int], *, lease_seconds: float) -> Sequence[int]:
        """Let connections live for `lease_seconds` from now, if they have not been closed; a lease never gets shorter.

        Args:
            session: in which their owners are locked.
            live: connections, each with its owner.
            lease_seconds: how long.

        Returns:
            The owners that have at least one of them alive.
        """
        table, owner = self._connections, self._owner
        statement = self._insert(session).values(
            [
                {"connection_id": connection_id, owner.name: owner_id, "online_until": utc_after(lease_seconds)}
                for connection_id, owner_id in sorted(live.items())
            ]
        )
        until = statement.excluded.online_until
        result = await session.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.connection_id],
                set_={"online_until": case((table.c.online_until > until, table.c.online_until), else_=until)},
                where=and_(table.c.closed_at.is_(None), owner == statement.excluded[owner.name]),
            ).returning(owner)
        )
        return sorted(set(result.scalars()))

    async def close(
        self, session: AsyncSession, connection_id: str, owner_id: int, *, grace_seconds: float = 0
    ) -> None:
        """Note that a connection is gone; it counts for `grace_seconds` more at most.

        One that was never heard of is noted too, so that its opening, when it arrives, does not bring it to life.
        """
        table, owner, owners = self._connections, self._owner, self._owners
        statement = self._insert(session).from_select(
            ["connection_id", owner.name, "online_until", "closed_at"],
            select(literal(connection_id), owners.c.id, utc_now(), utc_now()).where(owners.c.id == owner_id),
        )
        grace_ends = utc_after(grace_seconds)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.connection_id],
                set_={
                    "online_until": case((table.c.online_until > grace_ends, grace_ends), else_=table.c.online_until),
                    "closed_at": utc_now(),
                },
                where=and_(table.c.closed_at.is_(None), owner == statement.excluded[owner.name]),
            )
        )

    async def set_online(self, session: AsyncSession, owner_ids: Collection[int]) -> Sequence[Row[Any]]:
        """Set those owners online that were not, and return them."""
        owners = self._owners
        changed = await session.execute(
            owners.update()
            .where(owners.c.id.in_(owner_ids), owners.c.status.is_distinct_from(Presence.ONLINE.value))
            .values(status=Presence.ONLINE.value)
            .returning(*self._told)
        )
        return changed.all()

    async def any_lapsed(self, session: AsyncSession) -> bool:
        """Tell whether some owner counts as online without a live connection."""
        return bool((await session.execute(select(exists().where(self._has_lapsed())))).scalar_one())

    async def set_lapsed_offline(self, session: AsyncSession) -> Sequence[Row[Any]]:
        """Set those owners offline that have no live connection, and return them.

        Owners that somebody else is looking at are left for the next time.
        """
        id_ = self._owners.c.id
        candidates = await session.execute(
            select(id_).where(self._has_lapsed()).order_by(id_).with_for_update(key_share=True, skip_locked=True)
        )
        # the condition once more, in a statement of its own: a connection may have been opened before the lock was ours
        return await self.settle(session, candidates.scalars().all())

    async def settle(self, session: AsyncSession, owner_ids: Collection[int]) -> Sequence[Row[Any]]:
        """Set those of the owners (which are locked) offline that have no live connection, and return them."""
        owners = self._owners
        changed = await session.execute(
            owners.update()
            .where(owners.c.id.in_(owner_ids), self._has_lapsed())
            .values(status=Presence.OFFLINE.value)
            .returning(*self._told)
        )
        return changed.all()

    async def forget(self, session: AsyncSession, *, ended_seconds: float) -> None:
        """Delete connections that ended so long ago that no late message speaks of them any more."""
        table = self._connections
        await session.execute(table.delete().where(table.c.online_until < utc_after(-ended_seconds)))

    def _has_lapsed(self) -> ColumnElement[bool]:
        table, owners = self._connections, self._owners
        live = exists().where(self._owner == owners.c.id, table.c.online_until > utc_now())
        return and_(owners.c.status == Presence.ONLINE.value, ~live)

    def _insert(self, session: AsyncSession) -> Any:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        return insert(self._connections)
