"""Every query about presence and what nodes report of themselves; leases are `sextant_shared.db.leases`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import connections, inbox, node_configs, nodes, runs
from sextant_shared.contract.statuses import Presence, RunStatus
from sextant_shared.db import utc_now
from sextant_shared.db.leases import Leases
from sextant_shared.db.model import utc_after

leases = Leases(connections, owner=connections.c.node_id, owners=nodes, told=tuple(nodes.c))
"""Those of nodes."""


async def note_seen(session: AsyncSession, node_ids: Collection[int]) -> None:
    """Note that nodes showed a sign of life."""
    await session.execute(nodes.update().where(nodes.c.id.in_(node_ids)).values(last_seen=utc_now()))


async def note_seen_at(session: AsyncSession, node_id: int, at: datetime) -> None:
    """Note that a node was seen at a time, unless it was seen later."""
    await session.execute(
        nodes.update()
        .where(nodes.c.id == node_id, or_(nodes.c.last_seen.is_(None), nodes.c.last_seen < at))
        .values(last_seen=at)
    )


async def note_told_to_look(session: AsyncSession, node_id: int) -> None:
    """Note that a node was told to look for work; relay does that on every connection."""
    await session.execute(nodes.update().where(nodes.c.id == node_id).values(sync_requested_at=utc_now()))


async def forget_configs(session: AsyncSession, node_ids: Collection[int]) -> None:
    """Forget what nodes shared."""
    await session.execute(node_configs.delete().where(node_configs.c.node_id.in_(node_ids)))


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


async def forget_messages(session: AsyncSession, *, message_seconds: float) -> None:
    """Delete noted messages that are too old to come again."""
    await session.execute(inbox.delete().where(inbox.c.consumed_at < utc_after(-message_seconds)))
