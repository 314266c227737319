"""Pages of lists, as the wire has them: `{data, links}`, `total-count` and `Link` headers.

Sorting is by names that a resource offers, never by whatever column exists, and always ends with the id, so that
pages neither overlap nor leave anything out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from sqlalchemy import Column, ColumnElement, UnaryExpression

from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.http.json import JsonResponse

DEFAULT_PER_PAGE = 10
MAX_NUMBER = 2**31 - 1
"""The largest number and size of a page that may be asked for."""


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for, in which order."""

    number: int
    per_page: int
    sort: tuple[tuple[str, bool], ...]
    """Names, each with whether it descends."""

    @property
    def offset(self) -> int:
        """How many items come before the page; no list is so long that a number that SQL can hold would not do."""
        return min((self.number - 1) * self.per_page, MAX_NUMBER)

    def order_by(
        self, columns: Mapping[str, ColumnElement[Any] | None], default: Sequence[UnaryExpression[Any]]
    ) -> list[UnaryExpression[Any]]:
        """Say the order in SQL; what is missing comes before everything else, on either kind of database.

        Args:
            columns: what may be sorted by; None for a name that the wire takes and that changes nothing.
            default: the order without `sort`, and the last word with it; must end with something unique.

        Raises:
            ValidationFailedError: something else is asked for.
        """
        order = []
        for name, descending in self.sort:
            if name not in columns:
                raise ValidationFailedError(
                    {"sort": [f"Cannot sort by {name!r}; possible: {', '.join(sorted(columns))}"]}
                )
            column = columns[name]
            if column is not None:
                order.append(_ordered(column, descending=descending))
        return [*order, *default]


def _ordered(column: ColumnElement[Any], *, descending: bool) -> UnaryExpression[Any]:
    order = column.desc() if descending else column.asc()
    if not (isinstance(column, Column) and column.nullable):
        # PostgreSQL takes no index whose idea of a missing value is another, even where none can be missing
        return order
    return order.nulls_last() if descending else order.nulls_first()


async def requested_page(request: Request) -> Page:
    """Read `page`, `per_page` and `sort` (a FastAPI dependency, which a plain function would take to a thread).

    Raises:
        ValidationFailedError: they are not what they should be.
    """
    return read_page(request)


def read_page(request: Request) -> Page:
    """Read `page`, `per_page` and `sort` .

    Raises:
        ValidationFailedError: they are not what they should be.
    """
    sort = tuple(
        (name.removeprefix("-").removeprefix("+").strip(), name.startswith("-"))
        for name in (part.strip() for part in _first(request, "sort", "").split(","))
        if name
    )
    return Page(
        number=_positive("page", _first(request, "page", "1")),
        per_page=_positive("per_page", _first(request, "per_page", str(DEFAULT_PER_PAGE))),
        sort=sort,
    )


def _first(request: Request, name: str, default: str) -> str:
    # of a repeated parameter the first counts; Starlette's `get` gives the last
    return next(iter(request.query_params.getlist(name)), default)


def _positive(name: str, text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_NUMBER)) else 0
    if not 1 <= number <= MAX_NUMBER:
        raise ValidationFailedError({name: ["Must be a whole number from 1"]})
    return number


def page_response(request: Request, page: Page, data: Sequence[Any], total: int) -> JsonResponse:
    """Make the answer for one page.

    Args:
        request: whose query the links repeat.
        page: which was asked for.
        data: the items of the page, ready for JSON.
        total: how many items all pages have.
    """
    links = page_links(request, page, total)
    return JsonResponse(
        {"data": data, "links": links},
        headers={
            "total-count": str(total),
            "Link": ",".join(f"<{url}>; rel={rel}" for rel, url in links.items()),
            "access-control-expose-headers": "total-count, Link",
        },
    )


def page_links(request: Request, page: Page, total: int) -> dict[str, str]:
    """The links from one page to others; `next` and `previous` only where there is one."""
    last = -(-total // page.per_page)
    numbers = {"first": 1}
    if page.number > 1:
        numbers["previous"] = page.number - 1
    numbers["self"] = page.number
    if page.number < last:
        numbers["next"] = page.number + 1
    if last:
        numbers["last"] = last
    return {rel: _link(request, number) for rel, number in numbers.items()}


def _link(request: Request, number: int) -> str:
    """Repeat the query with another page, in its order, and all values of what is repeated in it."""
    query = parse_qsl(request.url.query, keep_blank_values=True)
    place = next((index for index, (name, _) in enumerate(query) if name == "page"), len(query))
    others = [(name, value) for name, value in query if name != "page"]
    return f"{request.url.path}?{urlencode([*others[:place], ('page', str(number)), *others[place:]])}"
