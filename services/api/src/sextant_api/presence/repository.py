"""Every query about connections, presence and what nodes report of themselves.

Whoever may change whether a node is online locks the node first, and looks at its connections afterwards: a statement
that waited for the lock sees what the holder did, so that opening and sweeping cannot pass each other.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, insert, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import connections, inbox, node_configs, nodes, runs
from sextant_shared.contract.statuses import Presence, RunStatus
from sextant_shared.db import utc_now
from sextant_shared.db.model import utc_after

_live = connections.c.online_until > utc_now()


def _has_live_connection() -> ColumnElement[bool]:
    return exists().where(connections.c.node_id == nodes.c.id, _live)


async def lock_nodes(session: AsyncSession, node_ids: Collection[int]) -> Sequence[int]:
    """Lock those nodes that exist, in the order of their ids."""
    found = await session.execute(
        select(nodes.c.id).where(nodes.c.id.in_(node_ids)).order_by(nodes.c.id).with_for_update(key_share=True)
    )
    return found.scalars().all()


async def extend_leases(session: AsyncSession, live: Mapping[str, int], *, lease_seconds: float) -> Sequence[int]:
    """Let connections live for `lease_seconds` from now, if they have not been closed; a lease never gets shorter.

    Args:
        session: in which their nodes are locked.
        live: connections, each with its node.
        lease_seconds: how long.

    Returns:
        The nodes that have at least one of them alive.
    """
    upsert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = upsert(connections).values(
        [
            {"connection_id": connection_id, "node_id": node_id, "online_until": utc_after(lease_seconds)}
            for connection_id, node_id in sorted(live.items())
        ]
    )
    now_until = statement.excluded.online_until
    result = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[connections.c.connection_id],
            set_={
                "online_until": case(
                    (connections.c.online_until > now_until, connections.c.online_until), else_=now_until
                )
            },
            where=and_(connections.c.closed_at.is_(None), connections.c.node_id == statement.excluded.node_id),
        ).returning(connections.c.node_id)
    )
    return sorted(set(result.scalars()))


async def close_connection(session: AsyncSession, connection_id: str, node_id: int, *, grace_seconds: float) -> None:
    """Note that a connection is gone; it counts for `grace_seconds` more at most.

    One that was never heard of is noted too, so that its opening, when it arrives, does not bring it to life.
    """
    upsert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = upsert(connections).from_select(
        ["connection_id", "node_id", "online_until", "closed_at"],
        select(literal(connection_id), nodes.c.id, utc_now(), utc_now()).where(nodes.c.id == node_id),
    )
    grace_ends = utc_after(grace_seconds)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[connections.c.connection_id],
            set_={
                "online_until": case(
                    (connections.c.online_until > grace_ends, grace_ends), else_=connections.c.online_until
                ),
                "closed_at": utc_now(),
            },
            where=and_(connections.c.closed_at.is_(None), connections.c.node_id == statement.excluded.node_id),
        )
    )


async def note_seen(session: AsyncSession, node_ids: Collection[int]) -> None:
    """Note that nodes showed a sign of life."""
    await session.execute(nodes.update().where(nodes.c.id.in_(node_ids)).values(last_seen=utc_now()))


async def note_told_to_look(session: AsyncSession, node_id: int) -> None:
    """Note that a node was told to look for work; relay does that on every connection."""
    await session.execute(nodes.update().where(nodes.c.id == node_id).values(sync_requested_at=utc_now()))


async def set_online(session: AsyncSession, node_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Set those nodes online that were offline, and return them."""
    changed = await session.execute(
        nodes.update()
        .where(nodes.c.id.in_(node_ids), nodes.c.status == Presence.OFFLINE)
        .values(status=Presence.ONLINE.value)
        .returning(*nodes.c)
    )
    return changed.all()


async def any_lapsed(session: AsyncSession) -> bool:
    """Tell whether some node counts as online without a live connection."""
    lapsed = exists().where(nodes.c.status == Presence.ONLINE, ~_has_live_connection())
    return bool((await session.execute(select(lapsed))).scalar_one())


async def set_lapsed_offline(session: AsyncSession) -> Sequence[Row[Any]]:
    """Set those nodes offline that have no live connection, forget what they shared, and return them.

    Nodes that somebody else is looking at are left for the next time.
    """
    candidates = await session.execute(
        select(nodes.c.id)
        .where(nodes.c.status == Presence.ONLINE, ~_has_live_connection())
        .order_by(nodes.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    # The condition once more, in a statement of its own: a connection may have been opened before the lock was ours.
    changed = (
        await session.execute(
            nodes.update()
            .where(nodes.c.id.in_(candidates.scalars().all()), ~_has_live_connection())
            .values(status=Presence.OFFLINE.value)
            .returning(*nodes.c)
        )
    ).all()
    await session.execute(node_configs.delete().where(node_configs.c.node_id.in_([row.id for row in changed])))
    return changed


async def replace_config(
    session: AsyncSession, node_id: int, entries: Sequence[tuple[str, str | None]], reported_at: datetime
) -> None:
    """Store what a node shares, unless something newer is there or the node is gone."""
    is_news = or_(nodes.c.config_reported_at.is_(None), nodes.c.config_reported_at < reported_at)
    noted = await session.execute(
        nodes.update()
        .where(nodes.c.id == node_id, is_news)
        .values(config_reported_at=reported_at)
        .returning(nodes.c.id)
    )
    if noted.first() is None:
        return
    await session.execute(node_configs.delete().where(node_configs.c.node_id == node_id))
    if entries:
        await session.execute(
            insert(node_configs), [{"node_id": node_id, "key": key, "value": value} for key, value in entries]
        )


def _own_runs(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        runs.c.organization_id == nodes.c.organization_id,
        runs.c.collaboration_id == nodes.c.collaboration_id,
        *conditions,
    )


def _idle_with_work(pending_seconds: float, repeat_seconds: float) -> ColumnElement[bool]:
    long_ago = utc_after(-pending_seconds)
    return and_(
        nodes.c.status == Presence.ONLINE,
        or_(
            nodes.c.sync_requested_at.is_(None),
            nodes.c.sync_requested_at < utc_after(-max(pending_seconds, repeat_seconds)),
        ),
        _own_runs(
            runs.c.finished_at.is_(None),
            runs.c.started_at.is_(None),
            runs.c.status == RunStatus.PENDING,
            runs.c.assigned_at < long_ago,
        ),
        ~_own_runs(
            runs.c.finished_at.is_(None), or_(runs.c.started_at.is_not(None), runs.c.status != RunStatus.PENDING)
        ),
        ~_own_runs(runs.c.finished_at > long_ago),
    )


async def any_idle_with_work(session: AsyncSession, *, pending_seconds: float, repeat_seconds: float) -> bool:
    """Tell whether `note_idle_with_work` would find a node."""
    found = exists().where(_idle_with_work(pending_seconds, repeat_seconds))
    return bool((await session.execute(select(found))).scalar_one())


async def note_idle_with_work(
    session: AsyncSession, *, pending_seconds: float, repeat_seconds: float
) -> Sequence[Row[Any]]:
    """Find online nodes that seem not to know of their work, and note that they are told to look.

    Such a node has a run that is pending for `pending_seconds`, does nothing else, has ended nothing in that time,
    and was not told to look in that time nor in the last `repeat_seconds`.
    """
    condition = _idle_with_work(pending_seconds, repeat_seconds)
    candidates = (
        select(nodes.c.id).where(condition).order_by(nodes.c.id).with_for_update(key_share=True, skip_locked=True)
    )
    changed = await session.execute(
        nodes.update()
        .where(nodes.c.id.in_(candidates), condition)
        .values(sync_requested_at=utc_now())
        .returning(*nodes.c)
    )
    return changed.all()


async def forget_old(session: AsyncSession, *, connection_seconds: float, message_seconds: float) -> None:
    """Delete connections and noted messages that are too old to matter."""
    await session.execute(connections.delete().where(connections.c.online_until < utc_after(-connection_seconds)))
    await session.execute(inbox.delete().where(inbox.c.consumed_at < utc_after(-message_seconds)))
