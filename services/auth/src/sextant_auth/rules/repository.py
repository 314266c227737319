"""Every query about rules, and about which principal holds which."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, CompoundSelect, Row, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import role_rules, roles, rules, user_roles, user_rules
from sextant_shared.db import big_id
from sextant_shared.http.pagination import Page

_table = rules.c
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "name": _table.name,
    "scope": _table.scope,
    "operation": _table.operation,
    "description": _table.description,
}
_TEXTS = select(_table.name, _table.scope, _table.operation)


@dataclass(frozen=True)
class Filters:
    """What the list of rules may be narrowed by."""

    name: str | None = None
    scope: str | None = None
    operation: str | None = None
    role_id: int | None = None
    user_id: int | None = None


async def find(session: AsyncSession, rule_id: int) -> Row[Any] | None:
    """One rule."""
    return (await session.execute(select(rules).where(_table.id == _asked(rule_id)))).one_or_none()


async def listed(session: AsyncSession, filters: Filters, page: Page | None) -> tuple[Sequence[Row[Any]], int]:
    """One page of rules (or all of them), and how many there are in all."""
    conditions: list[ColumnElement[bool]] = []
    if filters.name is not None:
        conditions.append(_table.name == filters.name)
    if filters.scope is not None:
        conditions.append(_table.scope == filters.scope.upper())
    if filters.operation is not None:
        # an operation may be called by its first letter, too
        operation = filters.operation.upper()
        conditions.append(or_(_table.operation == operation, func.substr(_table.operation, 1, 1) == operation))
    if filters.role_id is not None:
        conditions.append(_table.id.in_(select(role_rules.c.rule_id).where(role_rules.c.role_id == filters.role_id)))
    if filters.user_id is not None:
        conditions.append(_table.id.in_(_held_by(filters.user_id)))
    query = select(rules).where(*conditions)
    if page is None:
        rows = (await session.execute(query.order_by(_table.id))).all()
        return rows, len(rows)
    total = await session.scalar(select(func.count()).select_from(rules).where(*conditions))
    order = page.order_by(SORTABLE, [_table.id.asc()])
    rows = (await session.execute(query.order_by(*order).limit(page.per_page).offset(page.offset))).all()
    return rows, total or 0


async def ids_of_user(session: AsyncSession, user_id: int) -> list[int]:
    """The rules that a user holds, by roles and directly."""
    return sorted(await session.scalars(select(_table.id).where(_table.id.in_(_held_by(user_id)))))


async def texts_of_user(session: AsyncSession, user_id: int) -> frozenset[str]:
    """The rules that a user holds, written out."""
    return _written((await session.execute(_TEXTS.where(_table.id.in_(_held_by(user_id))))).all())


async def texts_of_default_role(session: AsyncSession, name: str) -> frozenset[str]:
    """The rules of a default role, written out."""
    held = _TEXTS.join(role_rules, role_rules.c.rule_id == _table.id).join(roles, roles.c.id == role_rules.c.role_id)
    return _written((await session.execute(held.where(roles.c.is_default_role, roles.c.name == name))).all())


async def texts_of(
    session: AsyncSession, *, rule_ids: Collection[int] = (), role_ids: Collection[int] = ()
) -> frozenset[str]:
    """Rules and the rules of roles, written out."""
    by_role = select(role_rules.c.rule_id).where(role_rules.c.role_id.in_(role_ids))
    wanted = or_(_table.id.in_(rule_ids), _table.id.in_(by_role))
    return _written((await session.execute(_TEXTS.where(wanted))).all())


async def unknown(session: AsyncSession, rule_ids: Collection[int]) -> set[int]:
    """Tell which of these are no rules."""
    if not rule_ids:
        return set()
    return set(rule_ids) - set(
        await session.scalars(select(_table.id).where(_table.id.in_([_asked(rule_id) for rule_id in rule_ids])))
    )


def _asked(rule_id: int) -> ColumnElement[int]:
    # rules have small numbers as ids, but may be asked for by any
    return literal(rule_id, big_id)


def _held_by(user_id: int) -> CompoundSelect[int]:
    by_role = (
        select(role_rules.c.rule_id)
        .join(user_roles, user_roles.c.role_id == role_rules.c.role_id)
        .where(user_roles.c.user_id == user_id)
    )
    return union(by_role, select(user_rules.c.rule_id).where(user_rules.c.user_id == user_id))


def _written(held: Sequence[Row[str, str, str]]) -> frozenset[str]:
    return frozenset(":".join(rule) for rule in held)
