"""What killing has to know of nodes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import nodes, runs
from sextant_api.ownership.policy import Owner
from sextant_api.ownership.repository import is_member
from sextant_shared.contract.statuses import Presence


@dataclass(frozen=True)
class NodeToClear:
    """A node at which everything is to be ended.

    Attributes:
        id: of the node.
        organization_id: that has it.
        collaboration_id: that it works in.
    """

    id: int
    organization_id: int
    collaboration_id: int


async def find_node(
    session: AsyncSession, node_id: int, organization_id: int
) -> tuple[NodeToClear | None, Owner] | None:
    """Find a node, if it is online, and whose it is, seen from an organization."""
    row = (
        await session.execute(
            select(
                nodes.c.organization_id,
                nodes.c.collaboration_id,
                nodes.c.status,
                is_member(organization_id, nodes.c.collaboration_id),
            ).where(nodes.c.id == node_id)
        )
    ).first()
    if row is None:
        return None
    organization, collaboration, status, near = row
    owner = Owner(collaboration, organization, None, bool(near))
    if status != Presence.ONLINE.value or collaboration is None:
        return None, owner
    return NodeToClear(node_id, organization, collaboration), owner


async def find_tasks_open_at(session: AsyncSession, node: NodeToClear) -> Sequence[int]:
    """Find the tasks of which a node has a run that has not ended."""
    rows = await session.execute(
        select(runs.c.task_id)
        .where(
            runs.c.organization_id == node.organization_id,
            runs.c.collaboration_id == node.collaboration_id,
            runs.c.finished_at.is_(None),
        )
        .distinct()
    )
    return rows.scalars().all()
