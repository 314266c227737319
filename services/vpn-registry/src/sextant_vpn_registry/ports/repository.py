"""Every query about the ports that runs show."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.contract.events import PortsChanged, RunPort
from sextant_vpn_registry.models import ports, runs


async def find_port(session: AsyncSession, run_id: int, port: int) -> Row[Any] | None:
    """A run's port of a number."""
    return (await session.execute(select(ports).where(ports.c.run_id == run_id, ports.c.port == port))).one_or_none()


async def add(session: AsyncSession, *, run_id: int, node_id: int, port: int, label: str | None) -> int:
    """Write down a port, without a lease yet."""
    statement = insert(ports).values(run_id=run_id, node_id=node_id, port=port, label=label)
    port_id: int = (await session.execute(statement.returning(ports.c.id))).scalar_one()
    return port_id


async def change(session: AsyncSession, port_id: int, *, node_id: int, label: str | None) -> None:
    """Write down what a node says of a port that it registered before."""
    await session.execute(update(ports).where(ports.c.id == port_id).values(node_id=node_id, label=label))


async def remove_all(session: AsyncSession, run_id: int) -> bool:
    """Forget the ports of a run, which the caller holds; tells whether there were any."""
    held = (
        await session.execute(select(ports.c.id).where(ports.c.run_id == run_id).order_by(ports.c.id).with_for_update())
    ).scalars()
    ids = held.all()
    if ids:
        await session.execute(delete(ports).where(ports.c.id.in_(ids)))
    return bool(ids)


async def shows_any(session: AsyncSession, run_id: int) -> bool:
    """Tell whether a run shows any port."""
    return (await session.execute(select(ports.c.id).where(ports.c.run_id == run_id).limit(1))).first() is not None


async def next_revision(session: AsyncSession, run_id: int) -> None:
    """Note that the ports of a run, which the caller holds, are no longer the same."""
    await session.execute(update(runs).where(runs.c.id == run_id).values(revision=runs.c.revision + 1))


async def as_shown(session: AsyncSession, run_ids: Sequence[int]) -> Sequence[PortsChanged]:
    """Say what runs show, as the event tells it."""
    listening: dict[int, list[RunPort]] = {}
    rows = await session.execute(
        select(ports.c.run_id, ports.c.id, ports.c.port, ports.c.label)
        .where(ports.c.run_id.in_(run_ids))
        .order_by(ports.c.id)
    )
    for row in rows:
        listening.setdefault(row.run_id, []).append(RunPort(id=row.id, port=row.port, label=row.label))
    known = await session.execute(
        select(runs.c.id, runs.c.collaboration_id, runs.c.revision).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)
    )
    return [
        PortsChanged(
            run_id=row.id,
            collaboration_id=row.collaboration_id,
            revision=row.revision,
            ports=listening.get(row.id, []),
        )
        for row in known
    ]
