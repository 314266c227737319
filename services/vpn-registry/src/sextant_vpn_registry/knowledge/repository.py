"""Every query about the copies of runs and nodes.

Whoever holds several rows takes nodes before runs, and of each kind the smaller id first, so that no two wait for
each other.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.db import utc_now
from sextant_shared.db.model import utc_after
from sextant_vpn_registry.knowledge.standing import Standing
from sextant_vpn_registry.models import Presence, nodes, ports, runs

_HAS_PORTS = exists().where(ports.c.run_id == runs.c.id)


async def find_run(session: AsyncSession, run_id: int) -> Row[Any] | None:
    """One run."""
    return (await session.execute(select(runs).where(runs.c.id == run_id))).one_or_none()


async def hold_run(session: AsyncSession, run_id: int) -> Row[Any] | None:
    """One run, held until the transaction ends."""
    return (await session.execute(select(runs).where(runs.c.id == run_id).with_for_update(key_share=True))).first()


async def find_parent(session: AsyncSession, task_id: int) -> tuple[int | None] | None:
    """The parent of a task; None if nothing is known of the task."""
    row = (await session.execute(select(runs.c.parent_id).where(runs.c.task_id == task_id).limit(1))).first()
    return None if row is None else (row.parent_id,)


async def put_run(session: AsyncSession, standing: Standing) -> int:
    """Write down what api says of a run; returns the revision of its ports, which never goes back."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(runs).values(
        id=standing.id,
        task_id=standing.task_id,
        parent_id=standing.parent_id,
        organization_id=standing.organization_id,
        collaboration_id=standing.collaboration_id,
        node_id=standing.node_id,
        ended_at=utc_now() if standing.status.is_final else None,
        revision=standing.ports_revision,
        checked_at=utc_now(),
    )
    new = statement.excluded
    newest = case((runs.c.revision > new.revision, runs.c.revision), else_=new.revision)
    written = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[runs.c.id],
            set_={
                "node_id": new.node_id,
                "ended_at": func.coalesce(runs.c.ended_at, new.ended_at),
                "revision": newest,
                "checked_at": new.checked_at,
            },
        ).returning(runs.c.revision)
    )
    revision: int = written.scalar_one()
    return revision


async def end_run(session: AsyncSession, run_id: int) -> None:
    """Note that a run is over."""
    await session.execute(update(runs).where(runs.c.id == run_id, runs.c.ended_at.is_(None)).values(ended_at=utc_now()))


async def forget_runs(session: AsyncSession, run_ids: Collection[int]) -> None:
    """Forget runs that are no more, with their ports."""
    if run_ids:
        await session.execute(delete(runs).where(runs.c.id.in_(run_ids)))


async def forget_ended(session: AsyncSession, *, seconds: float) -> None:
    """Forget runs that ended that long ago and show no port."""
    await session.execute(delete(runs).where(runs.c.ended_at < utc_after(-seconds), ~_HAS_PORTS))


async def find_unchecked(session: AsyncSession, *, after: int, seconds: float, limit: int) -> Sequence[int]:
    """The next runs that matter (they go on, or show a port) and that api was not asked about for so long."""
    rows = await session.execute(
        select(runs.c.id)
        .where(or_(runs.c.ended_at.is_(None), _HAS_PORTS), runs.c.checked_at <= utc_after(-seconds), runs.c.id > after)
        .order_by(runs.c.id)
        .limit(limit)
    )
    return rows.scalars().all()


async def knows_node(session: AsyncSession, node_id: int) -> bool:
    """Tell whether any run of ours was ever at a node."""
    return (await session.execute(select(nodes.c.id).where(nodes.c.id == node_id))).first() is not None


async def put_node(session: AsyncSession, node_id: int, *, ip: str | None, is_online: bool, as_of: datetime) -> None:
    """Write down what api says of a node, unless newer is known.

    A node that was never known to be connected may be one that only speaks to us: it has not left.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(
        insert(nodes)
        .values(id=node_id, ip=ip, presence=Presence.UNKNOWN.value, ip_as_of=as_of, presence_as_of=as_of)
        .on_conflict_do_nothing(index_elements=[nodes.c.id])
    )
    # most of the time there is nothing new, and nobody has to wait
    if _news(await _node(session, node_id), ip=ip, is_online=is_online, as_of=as_of):
        node = await _node(session, node_id, hold=True)
        if values := _news(node, ip=ip, is_online=is_online, as_of=as_of):
            await session.execute(update(nodes).where(nodes.c.id == node_id).values(**values))


async def _node(session: AsyncSession, node_id: int, *, hold: bool = False) -> Row[Any] | None:
    statement = select(nodes).where(nodes.c.id == node_id)
    return (await session.execute(statement.with_for_update() if hold else statement)).first()


def _news(node: Row[Any] | None, *, ip: str | None, is_online: bool, as_of: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if node is None:
        return values
    if node.ip != ip and node.ip_as_of < as_of:
        values |= {"ip": ip, "ip_as_of": as_of}
    presence = Presence(node.presence)
    if is_online:
        presence = Presence.ONLINE
    elif presence is Presence.ONLINE:
        presence = Presence.OFFLINE
    if node.presence != presence and node.presence_as_of <= as_of:
        values |= {"presence": presence.value, "presence_as_of": as_of}
    return values


async def follow_address(session: AsyncSession, node_id: int, ip: str | None, as_of: datetime) -> bool:
    """Write down a node's new address; tells whether it was news."""
    return await _follow(session, node_id, nodes.c.ip_as_of, as_of, ip=ip)


async def follow_presence(session: AsyncSession, node_id: int, presence: Presence, as_of: datetime) -> bool:
    """Write down that a node came or left; tells whether it was news."""
    return await _follow(session, node_id, nodes.c.presence_as_of, as_of, presence=presence.value)


async def _follow(
    session: AsyncSession, node_id: int, known: ColumnElement[datetime], as_of: datetime, **values: Any
) -> bool:
    changed = await session.execute(
        update(nodes)
        .where(nodes.c.id == node_id, known < as_of)
        .values({known.key: as_of, **values})
        .returning(nodes.c.id)
    )
    return changed.first() is not None


async def greet_node(session: AsyncSession, node_id: int) -> None:
    """Keep what is known of a node that speaks to us as it is until the transaction ends.

    Whatever was said of it, it is there.
    """
    left = and_(nodes.c.id == node_id, nodes.c.presence == Presence.OFFLINE.value)
    await session.execute(update(nodes).where(left).values(presence=Presence.UNKNOWN.value))
    # shared: a node that says much at once does not wait for itself
    await session.execute(select(nodes.c.id).where(nodes.c.id == node_id).with_for_update(read=True))


async def take_out(session: AsyncSession, node_id: int, *, collaboration_id: int | None) -> None:
    """A node is now in this collaboration (None: in none, or no more): it has no runs in any other."""
    elsewhere = true() if collaboration_id is None else runs.c.collaboration_id != collaboration_id
    await session.execute(update(runs).where(runs.c.node_id == node_id, elsewhere).values(node_id=None))


async def forget_node(session: AsyncSession, node_id: int) -> None:
    """Forget a node that is no more."""
    await session.execute(delete(nodes).where(nodes.c.id == node_id))
