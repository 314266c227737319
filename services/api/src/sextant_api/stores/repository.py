"""Every query about algorithm stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, exists, false, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.collaborations.errors import UnknownCollaborationError
from sextant_api.models import algorithm_stores, collaborations, tasks
from sextant_api.models.reach import collaborations_of
from sextant_api.ownership.repository import is_member
from sextant_api.pages import fetch_page
from sextant_api.stores.errors import StoreExistsError
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_reference, breaks_unique
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page

_table = algorithm_stores.c
SORTABLE: Mapping[str, Column[Any] | None] = {"id": _table.id, "name": _table.name, "url": _table.url}


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by."""

    name: str | None = None
    url: str | None = None
    collaboration_id: int | None = None


def visible_within(scope: Scope | None, organization_id: int) -> ColumnElement[bool]:
    """The stores that members of `organization_id` see who hold VIEW on collaborations with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    if scope in (Scope.COLLABORATION, Scope.ORGANIZATION):
        return or_(
            _table.collaboration_id.is_(None), is_among(_table.collaboration_id, collaborations_of(organization_id))
        )
    return false()


async def find_with_view(
    session: AsyncSession, store_id: int, visible: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    """One store, and whether it is among the visible ones."""
    return await _find_with(session, store_id, visible)


async def find_with_membership(
    session: AsyncSession, store_id: int, organization_id: int
) -> tuple[Row[Any], bool] | None:
    """One store, and whether an organization is a member of the collaboration that it is for."""
    return await _find_with(session, store_id, is_member(organization_id, _table.collaboration_id))


async def _find_with(
    session: AsyncSession, store_id: int, condition: ColumnElement[bool]
) -> tuple[Row[Any], bool] | None:
    row = (
        await session.execute(select(algorithm_stores, condition.label("fulfils")).where(_table.id == store_id))
    ).one_or_none()
    return None if row is None else (row, bool(row.fulfils))


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible stores, and how many there are in all."""
    conditions = [visible]
    if filters.name is not None:
        conditions.append(like(_table.name, filters.name))
    if filters.url is not None:
        conditions.append(like(_table.url, filters.url))
    if filters.collaboration_id is not None:
        conditions.append(or_(_table.collaboration_id.is_(None), _table.collaboration_id == filters.collaboration_id))
    matching = select(algorithm_stores).where(*conditions)
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=_table.id.asc())


async def is_in_collaboration(session: AsyncSession, collaboration_id: int, organization_id: int) -> bool | None:
    """Tell whether an organization is a member of a collaboration; None when there is no such collaboration."""
    return await session.scalar(
        select(is_member(organization_id, collaborations.c.id)).where(collaborations.c.id == collaboration_id)
    )


async def is_available(session: AsyncSession, url: str, collaboration_id: int | None) -> bool:
    """Tell whether a store is there already for a collaboration (None: for all)."""
    there = exists().where(
        _table.url == url,
        or_(_table.collaboration_id.is_(None), _table.collaboration_id == collaboration_id),
    )
    return bool((await session.execute(select(there))).scalar())


async def is_only_one(session: AsyncSession, store: Row[Any]) -> bool:
    """Tell whether no other record of this server has the same URL."""
    another = exists().where(_table.url == store.url, _table.id != store.id)
    return not (await session.execute(select(another))).scalar()


async def add(session: AsyncSession, values: Mapping[str, Any]) -> Row[Any]:
    """Write a new store.

    Raises:
        StoreExistsError: it is there already.
        UnknownCollaborationError: the collaboration is gone.
    """
    insert = algorithm_stores.insert().values(**values)
    try:
        return (await session.execute(insert.returning(*algorithm_stores.c))).one()
    except IntegrityError as error:
        raise _explained(error) from error


async def take_over(session: AsyncSession, store: Row[Any]) -> None:
    """Let a store that is for all take the place of those with its URL that are for one collaboration each."""
    others = select(_table.id).where(_table.url == store.url, _table.id != store.id)
    await session.execute(tasks.update().where(tasks.c.store_id.in_(others)).values(store_id=store.id))
    await session.execute(algorithm_stores.delete().where(_table.url == store.url, _table.id != store.id))


async def change(session: AsyncSession, store_id: int, values: Mapping[str, Any]) -> Row[Any] | None:
    """Change a store; None when it is gone.

    Raises:
        StoreExistsError: it is there already, where it is to go.
        UnknownCollaborationError: the collaboration is gone.
    """
    update = algorithm_stores.update().where(_table.id == store_id).values(**values)
    try:
        return (await session.execute(update.returning(*algorithm_stores.c))).one_or_none()
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    if breaks_unique(error, _table.url, _table.collaboration_id) or breaks_unique(error, _table.url):
        return StoreExistsError()
    return UnknownCollaborationError() if breaks_reference(error) else error


async def remove(session: AsyncSession, store_id: int) -> None:
    """Delete a store; tasks whose images were from it stay."""
    await session.execute(algorithm_stores.delete().where(_table.id == store_id))
