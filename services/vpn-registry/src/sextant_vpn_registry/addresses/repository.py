"""The query for addresses."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_vpn_registry.addresses.scope import Scope
from sextant_vpn_registry.models import nodes, ports, runs


async def find(
    session: AsyncSession, scope: Scope, *, task_id: int, parent_id: int | None, organization_id: int
) -> Sequence[Mapping[str, Any]]:
    """Find the ports that are held, as seen from a container.

    Args:
        session: to read with.
        scope: whose are wanted.
        task_id: the container's task.
        parent_id: what that descends from.
        organization_id: the container's organization.
    """
    wanted: list[ColumnElement[bool]] = []
    if scope.own:
        own = [runs.c.task_id == task_id]
        if scope.siblings_alone:
            own.append(runs.c.organization_id != organization_id)
        if scope.self_alone:
            own.append(runs.c.organization_id == organization_id)
        wanted.append(and_(*own))
    if scope.children:
        wanted.append(runs.c.parent_id == task_id)
    if scope.parent and parent_id is not None:
        wanted.append(runs.c.task_id == parent_id)
    statement = (
        select(
            ports.c.port,
            ports.c.label,
            nodes.c.ip,
            runs.c.organization_id,
            runs.c.task_id,
            runs.c.parent_id,
        )
        .select_from(ports)
        .join(runs, runs.c.id == ports.c.run_id)
        .outerjoin(nodes, nodes.c.id == ports.c.node_id)
        .where(or_(false(), *wanted), ports.c.address.is_not(None))
        .order_by(ports.c.id)
    )
    if scope.label is not None:
        statement = statement.where(ports.c.label == scope.label)
    return [{str(name): value for name, value in row.items()} for row in (await session.execute(statement)).mappings()]
