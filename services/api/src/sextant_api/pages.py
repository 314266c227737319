"""How a repository fetches one page of a list, and counts the whole of it: two statements, however long the list is.

Knows nothing of what is listed: what is visible and what is filtered by is in the statement that it is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, UnaryExpression, func
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.http.pagination import Page


async def fetch_page(
    session: AsyncSession,
    listed: Select[Any],
    page: Page,
    *,
    sortable: Mapping[str, ColumnElement[Any] | None],
    order: UnaryExpression[Any],
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the rows of a table, and how many there are in all.

    Args:
        session: to ask.
        listed: selects the columns to show, and says by its conditions which rows belong to the list.
        page: that is asked for.
        sortable: what may be sorted by, as `Page.order_by` takes it.
        order: without a sort, and where a sort leaves it open; by something unique.

    Raises:
        ValidationFailedError: the page is to be sorted by something else.
    """
    ordered = listed.order_by(*page.order_by(sortable, [order]))
    total = await session.execute(listed.with_only_columns(func.count(), maintain_column_froms=True))
    rows = await session.execute(ordered.limit(page.per_page).offset(page.offset))
    return rows.all(), total.scalar_one()
