"""Every query about collaborations and their members."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, exists, false, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.collaborations.errors import CollaborationNameTakenError
from sextant_api.models import algorithm_stores, collaborations, memberships, nodes, organizations, studies, tasks
from sextant_api.models.reach import collaborations_of
from sextant_api.pages import fetch_page
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page

_table = collaborations.c
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    "encrypted": _table.encrypted,
    # other objects: the wire takes their names, and does not sort
    **dict.fromkeys(("organizations", "nodes", "tasks", "algorithm_stores", "studies")),
}


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by."""

    name: str | None = None
    encrypted: Sequence[bool] | None = None
    organization_id: int | None = None
    only_id: int | None = None


def visible_within(scope: Scope | None, organization_id: int) -> ColumnElement[bool]:
    """The collaborations that members of `organization_id` see who hold VIEW with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    if scope in (Scope.COLLABORATION, Scope.ORGANIZATION):
        return _table.id.in_(collaborations_of(organization_id))
    return false()


async def find_with(
    session: AsyncSession, collaboration_id: int, condition: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One collaboration, and whether it fulfils a condition."""
    row = (
        await session.execute(select(collaborations, condition.label("fulfils")).where(_table.id == collaboration_id))
    ).one_or_none()
    return None if row is None else (row, bool(row.fulfils))


async def find_with_membership(
    session: AsyncSession, collaboration_id: int, organization_id: int
) -> tuple[Row[Any], bool] | None:
    """One collaboration, and whether an organization is a member of it."""
    return await find_with(session, collaboration_id, _table.id.in_(collaborations_of(organization_id)))


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible collaborations, and how many there are in all."""
    conditions = [visible]
    if filters.name is not None:
        conditions.append(like(_table.name, filters.name))
    if filters.encrypted is not None:
        conditions.append(_table.encrypted.in_(filters.encrypted))
    if filters.organization_id is not None:
        conditions.append(_table.id.in_(collaborations_of(filters.organization_id)))
    if filters.only_id is not None:
        conditions.append(_table.id == filters.only_id)
    matching = select(collaborations).where(*conditions)
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=_table.id.asc())


async def members_of(session: AsyncSession, collaboration_ids: Collection[int]) -> Mapping[int, list[Row[Any]]]:
    """The member organizations of each collaboration, in full, in the order in which they joined."""
    members: dict[int, list[Row[Any]]] = {id_: [] for id_ in collaboration_ids}
    rows = await session.execute(
        select(memberships.c.collaboration_id, organizations)
        .join_from(memberships, organizations)
        .where(memberships.c.collaboration_id.in_(collaboration_ids))
        .order_by(memberships.c.place, organizations.c.id)
    )
    for row in rows:
        members[row.collaboration_id].append(row)
    return members


async def member_ids(session: AsyncSession, collaboration_ids: Collection[int]) -> Mapping[int, list[int]]:
    """The ids of the members of each collaboration."""
    ids: dict[int, list[int]] = {id_: [] for id_ in collaboration_ids}
    rows = await session.execute(
        select(memberships.c.collaboration_id, memberships.c.organization_id)
        .where(memberships.c.collaboration_id.in_(collaboration_ids))
        .order_by(memberships.c.organization_id)
    )
    for row in rows:
        ids[row.collaboration_id].append(row.organization_id)
    return ids


async def existing_organizations(session: AsyncSession, organization_ids: Sequence[int]) -> Sequence[int]:
    """Those ids that are an organization's, in the order given, locked against deletion."""
    found = await session.execute(
        select(organizations.c.id)
        .where(organizations.c.id.in_(organization_ids))
        .order_by(organizations.c.id)
        .with_for_update(read=True, key_share=True)
    )
    existing = set(found.scalars())
    return [id_ for id_ in organization_ids if id_ in existing]


async def collaboration_of_store(session: AsyncSession, store_id: int) -> Row[Any] | None:
    """The `collaboration_id` of an algorithm store, which may be null; None when there is no such store."""
    return (
        await session.execute(select(algorithm_stores.c.collaboration_id).where(algorithm_stores.c.id == store_id))
    ).one_or_none()


async def add(session: AsyncSession, *, name: str, encrypted: bool) -> Row[Any]:
    """Write a new collaboration, without members.

    Raises:
        CollaborationNameTakenError: the name is taken.
    """
    insert = collaborations.insert().values(name=name, encrypted=encrypted)
    try:
        return (await session.execute(insert.returning(*collaborations.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


async def change(session: AsyncSession, collaboration_id: int, values: Mapping[str, Any]) -> Row[Any]:
    """Change a collaboration that is locked by `next_revisions`.

    Raises:
        CollaborationNameTakenError: the name is taken.
    """
    update = collaborations.update().where(_table.id == collaboration_id).values(**values)
    try:
        return (await session.execute(update.returning(*collaborations.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    return CollaborationNameTakenError() if breaks_unique(error, _table.name) else error


async def next_revisions(session: AsyncSession, collaboration_ids: Collection[int]) -> Mapping[int, int]:
    """Lock the collaborations that exist, in the order of their ids, and count their revisions up."""
    await session.execute(
        select(_table.id).where(_table.id.in_(collaboration_ids)).order_by(_table.id).with_for_update(key_share=True)
    )
    rows = await session.execute(
        collaborations.update()
        .where(_table.id.in_(collaboration_ids))
        .values(revision=_table.revision + 1)
        .returning(_table.id, _table.revision)
    )
    return {row.id: row.revision for row in rows}


async def add_members(session: AsyncSession, collaboration_id: int, organization_ids: Sequence[int]) -> None:
    """Write memberships that are not there yet, after those that are; the collaboration is locked, or new."""
    if organization_ids:
        last = select(func.max(memberships.c.place)).where(memberships.c.collaboration_id == collaboration_id)
        first_free = (await session.scalar(last) or 0) + 1
        await session.execute(
            memberships.insert(),
            [
                {"collaboration_id": collaboration_id, "organization_id": organization_id, "place": place}
                for place, organization_id in enumerate(organization_ids, first_free)
            ],
        )


async def remove_members(session: AsyncSession, collaboration_id: int, organization_ids: Collection[int]) -> None:
    """Delete memberships, and with them those in the collaboration's studies."""
    await session.execute(
        memberships.delete().where(
            memberships.c.collaboration_id == collaboration_id, memberships.c.organization_id.in_(organization_ids)
        )
    )


async def release_nodes(
    session: AsyncSession, collaboration_id: int, organization_ids: Collection[int]
) -> Sequence[Row[Any]]:
    """Take the nodes of some organizations out of a collaboration."""
    rows = await session.execute(
        nodes.update()
        .where(nodes.c.collaboration_id == collaboration_id, nodes.c.organization_id.in_(organization_ids))
        .values(collaboration_id=None)
        .returning(*nodes.c)
    )
    return rows.all()


async def has_dependents(session: AsyncSession, collaboration_id: int) -> bool:
    """Tell whether there is anything but members that would go with a collaboration."""
    dependents = [
        exists().where(nodes.c.collaboration_id == collaboration_id),
        exists().where(studies.c.collaboration_id == collaboration_id),
        exists().where(tasks.c.collaboration_id == collaboration_id),
    ]
    return bool((await session.execute(select(or_(*dependents)))).scalar_one())


async def has_tasks(session: AsyncSession, collaboration_id: int) -> bool:
    """Tell whether anything was ever asked of a collaboration's nodes."""
    found = await session.execute(select(tasks.c.id).where(tasks.c.collaboration_id == collaboration_id).limit(1))
    return found.first() is not None


async def remove_nodes(session: AsyncSession, collaboration_id: int) -> Sequence[Row[Any]]:
    """Delete all nodes of a collaboration."""
    rows = await session.execute(nodes.delete().where(nodes.c.collaboration_id == collaboration_id).returning(*nodes.c))
    return rows.all()


async def remove(session: AsyncSession, collaboration_id: int) -> None:
    """Delete a collaboration, and with it its studies and tasks."""
    await session.execute(collaborations.delete().where(_table.id == collaboration_id))


async def hold_members(session: AsyncSession, collaboration_id: int) -> None:
    """Keep the members of a collaboration as they are until the transaction ends."""
    await session.execute(select(_table.id).where(_table.id == collaboration_id).with_for_update(read=True))
