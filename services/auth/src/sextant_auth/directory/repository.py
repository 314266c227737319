"""Every query about the projection of organizations and memberships."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import collaborations, inbox, memberships, organizations


async def exists(session: AsyncSession, organization_id: int) -> bool | None:
    """Tell whether there is such an organization; None if it was never heard of."""
    deleted = await session.scalar(select(organizations.c.deleted).where(organizations.c.id == organization_id))
    return None if deleted is None else not deleted


async def share_collaboration(session: AsyncSession, one: int, other: int) -> bool:
    """Tell whether two organizations meet in a collaboration."""
    found = await session.scalar(partners_of(one).where(memberships.c.organization_id == other).limit(1))
    return found is not None


def partners_of(organization_id: int) -> Select[int]:
    """A query for the organizations that share a collaboration with one (itself among them, if it is in any)."""
    return select(memberships.c.organization_id).where(
        memberships.c.collaboration_id.in_(
            select(_OWN.c.collaboration_id).where(_OWN.c.organization_id == organization_id)
        )
    )


def members_of(collaboration_id: int) -> Select[int]:
    """A query for the organizations of a collaboration."""
    return select(memberships.c.organization_id).where(memberships.c.collaboration_id == collaboration_id)


async def is_member(session: AsyncSession, collaboration_id: int, organization_id: int) -> bool:
    """Tell whether an organization takes part in a collaboration."""
    found = await session.scalar(members_of(collaboration_id).where(memberships.c.organization_id == organization_id))
    return found is not None


async def partners(session: AsyncSession, organization_id: int) -> set[int]:
    """The organizations that share a collaboration with one; itself among them, if it is in any."""
    return set(await session.scalars(partners_of(organization_id)))


async def note_organization(session: AsyncSession, organization_id: int, *, deleted: bool = False) -> None:
    """Remember that an organization exists, or does no more (which nothing undoes: ids are not used again)."""
    insert = _insert(session)(organizations).values(id=organization_id, deleted=deleted)
    if deleted:
        insert = insert.on_conflict_do_update(index_elements=["id"], set_={"deleted": True})
    else:
        insert = insert.on_conflict_do_nothing(index_elements=["id"])
    await session.execute(insert)
    if deleted:
        await session.execute(delete(memberships).where(memberships.c.organization_id == organization_id))


async def note_members(
    session: AsyncSession, collaboration_id: int, organization_ids: Collection[int], revision: int
) -> bool:
    """Replace the members of a collaboration, unless something newer is known; tells whether it did."""
    insert = _insert(session)(collaborations).values(id=collaboration_id, revision=revision)
    older: ColumnElement[bool] = collaborations.c.revision < revision
    noted = await session.scalar(
        insert.on_conflict_do_update(index_elements=["id"], set_={"revision": revision}, where=older).returning(
            collaborations.c.id
        )
    )
    if noted is None:
        return False
    await session.execute(delete(memberships).where(memberships.c.collaboration_id == collaboration_id))
    rows = [
        {"collaboration_id": collaboration_id, "organization_id": organization_id}
        for organization_id in sorted(set(organization_ids))
    ]
    if rows:
        await session.execute(memberships.insert(), rows)
    return True


async def forget_messages(session: AsyncSession, *, before: datetime) -> None:
    """Delete the marks of messages that will not come again."""
    await session.execute(delete(inbox).where(inbox.c.consumed_at < before))


_OWN = memberships.alias("own")


def _insert(session: AsyncSession) -> Any:
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
