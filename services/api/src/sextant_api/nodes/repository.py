"""Every query about nodes, as far as it is not about their presence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, and_, exists, false, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import collaborations, memberships, node_configs, nodes, organizations, studies, study_members
from sextant_api.models.reach import an_id, collaborations_of, partners_of
from sextant_api.nodes.errors import NodeNameTakenError, SecondNodeError
from sextant_api.nodes.policy import Standing
from sextant_api.pages import fetch_page
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page

_table = nodes.c
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    "status": _table.status,
    # the wire takes the name, and does not sort
    "organization": None,
    "collaboration": None,
    "ip": _table.ip,
    "last_seen": _table.last_seen,
}


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by."""

    name: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    study_id: int | None = None
    status: str | None = None
    ip: str | None = None
    last_seen_from: datetime | None = None
    last_seen_till: datetime | None = None


@dataclass(frozen=True)
class Place:
    """Where a new node is to be.

    Attributes:
        collaboration_name: None when there is no such collaboration.
        organization_name: None when there is no such organization.
        is_member: the organization is a member of the collaboration.
        caller_is_member: so is the caller's.
        is_partner: the caller's organization shares some collaboration with the organization.
    """

    collaboration_name: str | None
    organization_name: str | None
    is_member: bool
    caller_is_member: bool
    is_partner: bool


def visible_within(scope: Scope | None, organization_id: int) -> ColumnElement[bool]:
    """The nodes that members of `organization_id` see who hold VIEW with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    owned = _table.organization_id == organization_id
    if scope is Scope.COLLABORATION:
        return or_(owned, is_among(_table.collaboration_id, collaborations_of(organization_id)))
    if scope is Scope.ORGANIZATION:
        return owned
    return false()


async def find_with_view(
    session: AsyncSession, node_id: int, visible: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One node, and whether it is among the visible ones."""
    row = (await session.execute(select(nodes, visible.label("is_visible")).where(_table.id == node_id))).one_or_none()
    return None if row is None else (row, bool(row.is_visible))


async def find_with_standing(
    session: AsyncSession, node_id: int, organization_id: int
) -> tuple[Row[Any], Standing] | None:
    """One node, and what an organization is to it; locked against being changed by others."""
    in_collaboration = func.coalesce(_table.collaboration_id.in_(collaborations_of(organization_id)), false())
    row = (
        await session.execute(
            select(nodes, in_collaboration.label("in_collaboration"))
            .where(_table.id == node_id)
            .with_for_update(of=nodes, key_share=True)
        )
    ).one_or_none()
    if row is None:
        return None
    standing = Standing(owns=row.organization_id == organization_id, in_collaboration=bool(row.in_collaboration))
    return row, standing


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible nodes, and how many there are in all."""
    matching = select(nodes).where(visible, *_conditions(filters))
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=_table.id.asc())


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = []
    for column, value in (
        (_table.organization_id, filters.organization_id),
        (_table.collaboration_id, filters.collaboration_id),
        (_table.status, filters.status),
        (_table.ip, filters.ip),
    ):
        if value is not None:
            conditions.append(column == value)
    if filters.name is not None:
        conditions.append(like(_table.name, filters.name))
    if filters.last_seen_from is not None:
        conditions.append(_table.last_seen >= filters.last_seen_from)
    if filters.last_seen_till is not None:
        conditions.append(_table.last_seen <= filters.last_seen_till)
    if filters.study_id is not None:
        takes_part = (
            select(study_members.c.study_id)
            .where(
                study_members.c.study_id == filters.study_id,
                study_members.c.organization_id == _table.organization_id,
                study_members.c.collaboration_id == _table.collaboration_id,
            )
            .exists()
        )
        conditions.append(takes_part)
    return conditions


async def configs_of(session: AsyncSession, node_ids: Collection[int]) -> Mapping[int, list[Row[Any]]]:
    """What each node shares about its configuration."""
    configs: dict[int, list[Row[Any]]] = {id_: [] for id_ in node_ids}
    rows = await session.execute(
        select(node_configs).where(node_configs.c.node_id.in_(node_ids)).order_by(node_configs.c.id)
    )
    for row in rows:
        configs[row.node_id].append(row)
    return configs


async def all_shared_with(session: AsyncSession, organization_id: int, filters: Filters) -> bool:
    """Tell whether what is filtered by concerns an organization.

    The collaboration, and that of the study, must be one of its own; the other organization must be in one of these.
    """
    own = collaborations_of(organization_id)
    conditions: list[ColumnElement[bool]] = []
    if filters.collaboration_id is not None:
        conditions.append(an_id(filters.collaboration_id).in_(own))
    if filters.study_id is not None:
        conditions.append(exists().where(studies.c.id == filters.study_id, studies.c.collaboration_id.in_(own)))
    if filters.organization_id not in (None, organization_id):
        conditions.append(an_id(filters.organization_id).in_(partners_of(organization_id)))
    return bool((await session.execute(select(and_(true(), *conditions)))).scalar_one())


async def is_member(session: AsyncSession, collaboration_id: int, organization_id: int) -> bool:
    """Tell whether an organization is a member of a collaboration."""
    found = await session.execute(
        select(memberships.c.organization_id).where(
            memberships.c.collaboration_id == collaboration_id, memberships.c.organization_id == organization_id
        )
    )
    return found.first() is not None


async def place(session: AsyncSession, collaboration_id: int, organization_id: int, caller: int) -> Place:
    """Look at where a new node is to be; nobody joins or leaves the collaboration before the transaction ends."""
    # in a statement of its own, so that the next one sees what whoever held the lock before has done
    collaboration_name = (
        await session.execute(
            select(collaborations.c.name).where(collaborations.c.id == collaboration_id).with_for_update(read=True)
        )
    ).scalar_one_or_none()
    inside = select(memberships.c.organization_id).where(memberships.c.collaboration_id == collaboration_id)
    row = (
        await session.execute(
            select(
                select(organizations.c.name)
                .where(organizations.c.id == organization_id)
                .scalar_subquery()
                .label("organization_name"),
                an_id(organization_id).in_(inside).label("is_member"),
                an_id(caller).in_(inside).label("caller_is_member"),
                an_id(organization_id).in_(partners_of(caller)).label("is_partner"),
            )
        )
    ).one()
    return Place(
        collaboration_name=collaboration_name,
        organization_name=row.organization_name,
        is_member=bool(row.is_member),
        caller_is_member=bool(row.caller_is_member),
        is_partner=bool(row.is_partner),
    )


async def add(session: AsyncSession, *, name: str, organization_id: int, collaboration_id: int) -> Row[Any]:
    """Write a new node.

    Raises:
        NodeNameTakenError: the name is taken.
        SecondNodeError: there is a node of this organization and collaboration.
    """
    insert = nodes.insert().values(name=name, organization_id=organization_id, collaboration_id=collaboration_id)
    try:
        return (await session.execute(insert.returning(*nodes.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


async def change(session: AsyncSession, node_id: int, values: Mapping[str, Any]) -> Row[Any]:
    """Change a node that is locked.

    Raises:
        NodeNameTakenError: the name is taken.
        SecondNodeError: there is a node of this organization and collaboration.
    """
    update = nodes.update().where(_table.id == node_id).values(**values)
    try:
        return (await session.execute(update.returning(*nodes.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    if breaks_unique(error, _table.name):
        return NodeNameTakenError()
    if breaks_unique(error, _table.organization_id, _table.collaboration_id):
        return SecondNodeError()
    return error


async def in_collaboration(session: AsyncSession, collaboration_id: int) -> Sequence[Row[Any]]:
    """The nodes of a collaboration."""
    return (
        await session.execute(select(nodes).where(_table.collaboration_id == collaboration_id).order_by(_table.id))
    ).all()


async def remove(session: AsyncSession, node_id: int) -> None:
    """Delete a node, with its connections and what it shared."""
    await session.execute(nodes.delete().where(_table.id == node_id))
