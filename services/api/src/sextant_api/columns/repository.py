"""The one query about columns."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import node_configs, nodes

_KEY = "columns_"
"""Nodes that share the columns of a database do it under this and the database's label."""


async def known_columns(session: AsyncSession, collaboration_id: int, label: str) -> list[str]:
    """Find what the first node shares about a database that shares anything about it.

    All nodes are taken to have the same columns: an algorithm that runs at all of them needs that anyway.
    """
    rows = await session.execute(
        select(node_configs.c.node_id, node_configs.c.value)
        .join(nodes, nodes.c.id == node_configs.c.node_id)
        .where(
            nodes.c.collaboration_id == collaboration_id,
            node_configs.c.key == f"{_KEY}{label}",
            node_configs.c.value.is_not(None),
        )
        .order_by(node_configs.c.node_id, node_configs.c.id)
    )
    shared: dict[int, list[str]] = {}
    for node_id, column in rows:
        shared.setdefault(node_id, []).append(column)
    return next(iter(shared.values()), [])
