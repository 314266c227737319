"""Every query about roles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, delete, exists, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.directory.repository import members_of, partners_of
from sextant_auth.models import role_rules, roles, rules, user_roles, users
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

_table = roles.c
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    "description": _table.description,
    "is_default_role": _table.is_default_role,
    # the wire takes the name, and does not sort
    "organization": None,
}


@dataclass(frozen=True)
class Filters:
    """What the list of roles may be narrowed by."""

    names: Sequence[str] = ()
    descriptions: Sequence[str] = ()
    organization_ids: Sequence[int] = ()
    collaboration_id: int | None = None
    rule_id: int | None = None
    user_id: int | None = None
    with_default_roles: bool = False


def visible_to(caller: Principal, scope: Scope | None) -> ColumnElement[bool]:
    """The roles that a user sees who holds VIEW with `scope`: those it has, at least."""
    held = is_among(_table.id, select(user_roles.c.role_id).where(user_roles.c.user_id == caller.id))
    if scope is Scope.GLOBAL:
        return true()
    if scope is None:
        return held
    own = or_(held, _table.is_default_role, _table.organization_id == caller.organization_id)
    if scope is Scope.COLLABORATION:
        return or_(own, is_among(_table.organization_id, partners_of(caller.organization_id)))
    return own


async def find(session: AsyncSession, role_id: int) -> Row[Any] | None:
    """One role."""
    return (await session.execute(select(roles).where(_table.id == role_id))).one_or_none()


async def find_with_view(
    session: AsyncSession, role_id: int, visible: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One role, and whether it is among the visible ones."""
    row = (await session.execute(select(roles, visible.label("is_visible")).where(_table.id == role_id))).one_or_none()
    return None if row is None else (row, bool(row.is_visible))


async def lock(session: AsyncSession, role_id: int) -> Row[Any] | None:
    """One role, which until the transaction's end nobody else changes."""
    return (await session.execute(select(roles).where(_table.id == role_id).with_for_update())).one_or_none()


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible roles, and how many there are in all."""
    conditions = [visible]
    if filters.names:
        conditions.append(or_(*(like(_table.name, name) for name in filters.names)))
    if filters.descriptions:
        conditions.append(or_(*(like(_table.description, text) for text in filters.descriptions)))
    defaults = _table.is_default_role if filters.with_default_roles else false()
    if filters.organization_ids:
        conditions.append(or_(_table.organization_id.in_(filters.organization_ids), defaults))
    if filters.collaboration_id is not None:
        conditions.append(or_(is_among(_table.organization_id, members_of(filters.collaboration_id)), defaults))
    if filters.rule_id is not None:
        conditions.append(_table.id.in_(select(role_rules.c.role_id).where(role_rules.c.rule_id == filters.rule_id)))
    if filters.user_id is not None:
        conditions.append(_table.id.in_(select(user_roles.c.role_id).where(user_roles.c.user_id == filters.user_id)))
    total = await session.scalar(select(func.count()).select_from(roles).where(*conditions))
    order = page.order_by(SORTABLE, [_table.id.asc()])
    rows = await session.execute(
        select(roles).where(*conditions).order_by(*order).limit(page.per_page).offset(page.offset)
    )
    return rows.all(), total or 0


async def rows_of(session: AsyncSession, role_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Several roles; fewer than asked for where some do not exist."""
    if not role_ids:
        return ()
    return (await session.execute(select(roles).where(_table.id.in_(role_ids)))).all()


async def rule_ids(session: AsyncSession, role_id: int) -> set[int]:
    """The rules of a role."""
    return set(await session.scalars(select(role_rules.c.rule_id).where(role_rules.c.role_id == role_id)))


async def rule_rows(session: AsyncSession, role_id: int) -> Sequence[Row[Any]]:
    """The rules of a role, in full."""
    held = select(rules).join(role_rules, role_rules.c.rule_id == rules.c.id).where(role_rules.c.role_id == role_id)
    return (await session.execute(held.order_by(rules.c.id))).all()


async def add(
    session: AsyncSession, *, name: str, description: str | None, organization_id: int, rule_ids: Collection[int]
) -> Row[Any]:
    """Make a role."""
    row = (
        await session.execute(
            roles.insert()
            .values(name=name, description=description, organization_id=organization_id, is_default_role=False)
            .returning(*roles.c)
        )
    ).one()
    await add_rules(session, row.id, rule_ids)
    return row


async def change(session: AsyncSession, role_id: int, values: Mapping[str, Any]) -> Row[Any]:
    """Change a role's name or description."""
    return (await session.execute(update(roles).where(_table.id == role_id).values(**values).returning(*roles.c))).one()


async def add_rules(session: AsyncSession, role_id: int, rule_ids: Collection[int]) -> None:
    """Give a role rules that it does not have."""
    if rule_ids:
        await session.execute(
            role_rules.insert(), [{"role_id": role_id, "rule_id": rule_id} for rule_id in sorted(rule_ids)]
        )


async def remove_rules(session: AsyncSession, role_id: int, rule_ids: Collection[int]) -> None:
    """Take rules from a role."""
    await session.execute(delete(role_rules).where(role_rules.c.role_id == role_id, role_rules.c.rule_id.in_(rule_ids)))


async def is_held(session: AsyncSession, role_id: int) -> bool:
    """Tell whether any user has a role."""
    return bool(await session.scalar(select(exists().where(user_roles.c.role_id == role_id))))


async def advance_holders(session: AsyncSession, role_id: int) -> None:
    """Let the users who have a role be new versions of themselves."""
    held = select(user_roles.c.user_id).where(user_roles.c.role_id == role_id)
    await session.execute(update(users).where(users.c.id.in_(held)).values(version=users.c.version + 1))


async def remove(session: AsyncSession, role_id: int) -> None:
    """Delete a role; whoever had it has it no more."""
    await session.execute(delete(roles).where(_table.id == role_id))


async def remove_of_organization(session: AsyncSession, organization_id: int) -> list[int]:
    """Delete the roles of an organization; returns which."""
    return list(
        await session.scalars(delete(roles).where(_table.organization_id == organization_id).returning(_table.id))
    )
