"""The queries about the ports that runs show, and about what vpn-registry has to know of runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import nodes, run_port_numbers, run_ports, runs, tasks
from sextant_api.runs.repository import NODE_OF_RUN
from sextant_shared.contract.events import PortsChanged


async def put(session: AsyncSession, change: PortsChanged) -> None:
    """Show a run with these ports, unless it is gone or newer ones are known."""
    run = select(runs.c.id).where(runs.c.id == change.run_id).with_for_update(read=True, key_share=True)
    if (await session.execute(run)).first() is None:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(run_ports).values(
        run_id=change.run_id, revision=change.revision, ports=[port.model_dump() for port in change.ports]
    )
    new = statement.excluded
    written = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[run_ports.c.run_id],
            set_={"revision": new.revision, "ports": new.ports},
            where=run_ports.c.revision < new.revision,
        ).returning(run_ports.c.run_id)
    )
    if written.first() is None:
        return
    await session.execute(delete(run_port_numbers).where(run_port_numbers.c.run_id == change.run_id))
    if numbers := {port.port for port in change.ports}:
        await session.execute(
            insert(run_port_numbers), [{"run_id": change.run_id, "port": number} for number in sorted(numbers)]
        )


@dataclass(frozen=True)
class Standing:
    """What vpn-registry has to know of a run.

    Attributes:
        id: of the run.
        task_id: of its task.
        parent_id: of its task's parent.
        organization_id: that runs it.
        collaboration_id: of its task.
        node_id: that runs it, if there is one.
        node_ip: that node's address in the VPN.
        node_status: whether that node is connected.
        status: of the run.
        ports_revision: of the ports that we show; 0 if we never heard of any.
    """

    id: int
    task_id: int
    parent_id: int | None
    organization_id: int
    collaboration_id: int
    node_id: int | None
    node_ip: str | None
    node_status: str | None
    status: str
    ports_revision: int


async def find_standings(session: AsyncSession, run_ids: Collection[int]) -> Sequence[Standing]:
    """Find what there is of some runs."""
    rows = await session.execute(
        select(
            runs.c.id,
            runs.c.task_id,
            tasks.c.parent_id,
            runs.c.organization_id,
            runs.c.collaboration_id,
            nodes.c.id.label("node_id"),
            nodes.c.ip.label("node_ip"),
            nodes.c.status.label("node_status"),
            runs.c.status,
            func.coalesce(run_ports.c.revision, 0).label("ports_revision"),
        )
        .select_from(runs)
        .join(tasks, tasks.c.id == runs.c.task_id)
        .outerjoin(nodes, NODE_OF_RUN)
        .outerjoin(run_ports, run_ports.c.run_id == runs.c.id)
        .where(runs.c.id.in_(run_ids))
        .order_by(runs.c.id)
    )
    return [Standing(**row) for row in rows.mappings()]


async def find_parent(session: AsyncSession, task_id: int) -> tuple[int | None] | None:
    """Find the parent of a task; None if there is no such task."""
    row = (await session.execute(select(tasks.c.parent_id).where(tasks.c.id == task_id))).first()
    return None if row is None else (row.parent_id,)
