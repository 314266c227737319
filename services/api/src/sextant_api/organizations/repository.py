"""Every query about organizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, false, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import memberships, nodes, organizations, runs, studies, study_members, tasks
from sextant_api.models.reach import collaborations_of, partners_of
from sextant_api.organizations.errors import OrganizationNameTakenError
from sextant_api.pages import fetch_page
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page

_table = organizations.c
SORTABLE: Mapping[str, ColumnElement[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    # empty and missing are alike
    **{
        column.name: func.coalesce(column, "")
        for column in (_table.country, _table.domain, _table.zipcode, _table.address1, _table.address2)
    },
    # other objects: the wire takes their names, and does not sort
    **dict.fromkeys(("collaborations", "nodes", "users", "tasks", "runs", "studies")),
}


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by."""

    name: str | None = None
    country: str | None = None
    collaboration_id: int | None = None
    study_id: int | None = None
    ids: Sequence[int] = ()


def visible_within(scope: Scope | None, organization_id: int) -> ColumnElement[bool]:
    """The organizations that members of `organization_id` see who hold VIEW with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    if scope is Scope.COLLABORATION:
        return or_(_table.id == organization_id, is_among(_table.id, partners_of(organization_id)))
    if scope is Scope.ORGANIZATION:
        return _table.id == organization_id
    return false()


async def find(session: AsyncSession, organization_id: int) -> Row[Any] | None:
    """One organization."""
    return (await session.execute(select(organizations).where(_table.id == organization_id))).one_or_none()


async def find_with_view(
    session: AsyncSession, organization_id: int, visible: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One organization, and whether it is among the visible ones."""
    row = (
        await session.execute(select(organizations, visible.label("is_visible")).where(_table.id == organization_id))
    ).one_or_none()
    return None if row is None else (row, bool(row.is_visible))


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible organizations, and how many there are in all."""
    conditions = [visible]
    if filters.name is not None:
        conditions.append(like(_table.name, filters.name))
    if filters.country is not None:
        conditions.append(_table.country == filters.country)
    if filters.collaboration_id is not None:
        members = select(memberships.c.organization_id).where(
            memberships.c.collaboration_id == filters.collaboration_id
        )
        conditions.append(_table.id.in_(members))
    if filters.study_id is not None:
        members = select(study_members.c.organization_id).where(study_members.c.study_id == filters.study_id)
        conditions.append(_table.id.in_(members))
    if filters.ids:
        conditions.append(_table.id.in_(filters.ids))
    matching = select(organizations).where(*conditions)
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=_table.id.asc())


async def collaboration_of_study(session: AsyncSession, study_id: int) -> int | None:
    """The collaboration that a study belongs to; None when there is no such study."""
    return await session.scalar(select(studies.c.collaboration_id).where(studies.c.id == study_id))


async def in_collaboration(session: AsyncSession, collaboration_id: int, organization_id: int) -> bool:
    """Tell whether an organization is a member of a collaboration."""
    found = await session.execute(
        select(memberships.c.organization_id).where(
            memberships.c.collaboration_id == collaboration_id, memberships.c.organization_id == organization_id
        )
    )
    return found.first() is not None


async def are_partners(session: AsyncSession, one: int, other: int) -> bool:
    """Tell whether two organizations share a collaboration."""
    found = await session.execute(
        select(memberships.c.organization_id).where(
            memberships.c.organization_id == other, memberships.c.collaboration_id.in_(collaborations_of(one))
        )
    )
    return found.first() is not None


async def add(session: AsyncSession, values: Mapping[str, Any]) -> Row[Any]:
    """Write a new organization.

    Raises:
        OrganizationNameTakenError: the name is taken.
    """
    insert = organizations.insert().values(**values)
    try:
        return (await session.execute(insert.returning(*organizations.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


async def change(session: AsyncSession, organization_id: int, values: Mapping[str, Any]) -> Row[Any] | None:
    """Change an organization; None when it is gone.

    Raises:
        OrganizationNameTakenError: the name is taken.
    """
    update = organizations.update().where(_table.id == organization_id).values(**values)
    try:
        return (await session.execute(update.returning(*organizations.c))).one_or_none()
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    return OrganizationNameTakenError() if breaks_unique(error, _table.name) else error


async def has_dependents(session: AsyncSession, organization_id: int) -> bool:
    """Tell whether there is anything that would go with an organization."""
    dependents = [
        exists().where(memberships.c.organization_id == organization_id),
        exists().where(nodes.c.organization_id == organization_id),
        exists().where(tasks.c.init_org_id == organization_id),
        exists().where(runs.c.organization_id == organization_id),
    ]
    return bool((await session.execute(select(or_(*dependents)))).scalar_one())


async def collaboration_ids(session: AsyncSession, organization_id: int) -> list[int]:
    """The collaborations that an organization is a member of."""
    found = await session.execute(collaborations_of(organization_id))
    return sorted(row.collaboration_id for row in found)


async def node_rows(session: AsyncSession, organization_id: int) -> Sequence[Row[Any]]:
    """The nodes of an organization."""
    return (
        await session.execute(select(nodes).where(nodes.c.organization_id == organization_id).order_by(nodes.c.id))
    ).all()


async def remove(session: AsyncSession, organization_id: int) -> None:
    """Delete an organization, and with it what refers to it."""
    await session.execute(organizations.delete().where(_table.id == organization_id))
