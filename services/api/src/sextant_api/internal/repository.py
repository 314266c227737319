"""The queries behind the internal routes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import collaborations, memberships, organizations
from sextant_api.models.reach import collaborations_of


async def organization_with_collaborations(session: AsyncSession, organization_id: int) -> dict[str, Any] | None:
    """One organization and all members of its collaborations, each with its revision."""
    name = (
        await session.execute(select(organizations.c.name).where(organizations.c.id == organization_id))
    ).scalar_one_or_none()
    if name is None:
        return None
    rows = await session.execute(
        select(collaborations.c.id, collaborations.c.revision, memberships.c.organization_id)
        .join_from(collaborations, memberships)
        .where(collaborations.c.id.in_(collaborations_of(organization_id)))
        .order_by(collaborations.c.id, memberships.c.organization_id)
    )
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        entry = found.setdefault(row.id, {"id": row.id, "organization_ids": [], "revision": row.revision})
        entry["organization_ids"].append(row.organization_id)
    return {"id": organization_id, "name": name, "collaborations": list(found.values())}


async def collaboration_ids(session: AsyncSession) -> Sequence[int]:
    """The ids of all collaborations."""
    return (await session.execute(select(collaborations.c.id).order_by(collaborations.c.id))).scalars().all()
