"""Every query about studies and who takes part in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, false, func, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import collaborations, memberships, organizations, studies, study_members, tasks
from sextant_api.models.reach import collaborations_of
from sextant_api.pages import fetch_page
from sextant_api.studies.errors import StudyNameTakenError
from sextant_api.studies.policy import Standing
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page

_table = studies.c
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    "collaboration_id": _table.collaboration_id,
    # other objects: the wire takes their names, and does not sort
    **dict.fromkeys(("collaboration", "organizations", "tasks")),
}


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by."""

    name: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None


def _studies_of(organization_id: int) -> Select[tuple[int]]:
    return select(study_members.c.study_id).where(study_members.c.organization_id == organization_id)


def visible_within(scope: Scope | None, organization_id: int) -> ColumnElement[bool]:
    """The studies that members of `organization_id` see who hold VIEW with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    if scope is Scope.COLLABORATION:
        return _table.collaboration_id.in_(collaborations_of(organization_id))
    if scope is Scope.ORGANIZATION:
        return _table.id.in_(_studies_of(organization_id))
    return false()


async def find_with_view(
    session: AsyncSession, study_id: int, visible: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One study, and whether it is among the visible ones."""
    row = (
        await session.execute(select(studies, visible.label("is_visible")).where(_table.id == study_id))
    ).one_or_none()
    return None if row is None else (row, bool(row.is_visible))


async def find_with_standing(
    session: AsyncSession, study_id: int, organization_id: int
) -> tuple[Row[Any], Standing] | None:
    """One study, and what an organization is to it; locked against being changed by others."""
    row = (
        await session.execute(
            select(
                studies,
                _table.collaboration_id.in_(collaborations_of(organization_id)).label("in_collaboration"),
                _table.id.in_(_studies_of(organization_id)).label("in_study"),
            )
            .where(_table.id == study_id)
            .with_for_update(of=studies, key_share=True)
        )
    ).one_or_none()
    if row is None:
        return None
    return row, Standing(in_collaboration=bool(row.in_collaboration), in_study=bool(row.in_study))


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible studies, and how many there are in all."""
    conditions = [visible]
    if filters.name is not None:
        conditions.append(like(_table.name, filters.name))
    if filters.organization_id is not None:
        conditions.append(_table.id.in_(_studies_of(filters.organization_id)))
    if filters.collaboration_id is not None:
        conditions.append(_table.collaboration_id == filters.collaboration_id)
    matching = select(studies).where(*conditions)
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=_table.id.asc())


async def members_of(session: AsyncSession, study_ids: Collection[int]) -> Mapping[int, list[Row[Any]]]:
    """The organizations that take part in each study, in full, in the order in which they joined."""
    members: dict[int, list[Row[Any]]] = {id_: [] for id_ in study_ids}
    rows = await session.execute(
        select(study_members.c.study_id, organizations)
        .join(organizations, organizations.c.id == study_members.c.organization_id)
        .where(study_members.c.study_id.in_(study_ids))
        .order_by(study_members.c.place, organizations.c.id)
    )
    for row in rows:
        members[row.study_id].append(row)
    return members


async def is_in_collaboration(session: AsyncSession, collaboration_id: int, organization_id: int) -> bool | None:
    """Tell whether an organization is a member of a collaboration; None when there is no such collaboration."""
    found: bool | None = (
        await session.execute(
            select(collaborations.c.id.in_(collaborations_of(organization_id))).where(
                collaborations.c.id == collaboration_id
            )
        )
    ).scalar_one_or_none()
    return None if found is None else bool(found)


async def outsiders(session: AsyncSession, collaboration_id: int, organization_ids: Collection[int]) -> list[int]:
    """Those ids that are not a member's of the collaboration; members cannot leave it before the transaction ends."""
    found = await session.execute(
        select(memberships.c.organization_id)
        .where(memberships.c.collaboration_id == collaboration_id, memberships.c.organization_id.in_(organization_ids))
        .order_by(memberships.c.organization_id)
        .with_for_update(read=True, key_share=True)
    )
    return sorted(set(organization_ids) - set(found.scalars()))


async def add(session: AsyncSession, *, name: str, collaboration_id: int) -> Row[Any]:
    """Write a new study, in which nobody takes part yet.

    Raises:
        StudyNameTakenError: the name is taken.
    """
    insert = studies.insert().values(name=name, collaboration_id=collaboration_id)
    try:
        return (await session.execute(insert.returning(*studies.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


async def rename(session: AsyncSession, study_id: int, name: str) -> Row[Any]:
    """Give a study that is locked another name.

    Raises:
        StudyNameTakenError: the name is taken.
    """
    update = studies.update().where(_table.id == study_id).values(name=name)
    try:
        return (await session.execute(update.returning(*studies.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    return StudyNameTakenError() if breaks_unique(error, _table.name) else error


async def member_ids(session: AsyncSession, study_id: int) -> set[int]:
    """The ids of the organizations that take part in a study."""
    found = await session.execute(select(study_members.c.organization_id).where(study_members.c.study_id == study_id))
    return set(found.scalars())


async def add_members(
    session: AsyncSession, study_id: int, collaboration_id: int, organization_ids: Sequence[int]
) -> None:
    """Let organizations take part that do not yet, after those that do; the study is locked, or new."""
    if organization_ids:
        last = select(func.max(study_members.c.place)).where(study_members.c.study_id == study_id)
        first_free = (await session.scalar(last) or 0) + 1
        values = {"study_id": study_id, "collaboration_id": collaboration_id}
        await session.execute(
            study_members.insert(),
            [
                {**values, "organization_id": organization_id, "place": place}
                for place, organization_id in enumerate(organization_ids, first_free)
            ],
        )


async def remove_members(session: AsyncSession, study_id: int, organization_ids: Collection[int]) -> None:
    """End the part of organizations."""
    if organization_ids:
        await session.execute(
            study_members.delete().where(
                study_members.c.study_id == study_id, study_members.c.organization_id.in_(organization_ids)
            )
        )


async def has_tasks(session: AsyncSession, study_id: int) -> bool:
    """Tell whether there are tasks that would go with a study."""
    return (await session.execute(select(tasks.c.id).where(tasks.c.study_id == study_id).limit(1))).first() is not None


async def remove(session: AsyncSession, study_id: int) -> None:
    """Delete a study, and with it its tasks."""
    await session.execute(studies.delete().where(_table.id == study_id))
