"""Every list may be sorted by every name that its document says, up and down; by another it may not."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from .conftest import Lists
from .routes import ListRoute, list_routes

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES: Final = list_routes()
SORTS: Final = [pytest.param(route, name, id=f"{route} {name}") for route in ROUTES for name in route.sorts]
CALLED: Final = {"store": "algorithm_store"}
"""Relations that are called otherwise where they are shown."""
SHOWN_BY: Final = {"/api/result": "/api/run"}


@pytest.fixture(params=["some", "many"], ids=["sqlite", "postgresql"])
def lists(request: pytest.FixtureRequest) -> Lists:
    """On either kind of database."""
    found: Lists = request.getfixturevalue(request.param)
    return found


def sorted_value(item: Mapping[str, Any], name: str) -> Any:
    """What an item shows of what it is sorted by: a field, or the id of something related."""
    if name in item and not isinstance(item[name], dict):
        return item[name]
    relation = name.removesuffix("_id")
    related = item[CALLED.get(relation, relation)]
    return None if related is None else related["id"]


def in_order(one: Any, other: Any) -> bool:
    """Whether one may come before the other; what is missing comes first."""
    return one is None or (other is not None and one <= other)


async def page(lists: Lists, route: ListRoute, sort: str) -> list[dict[str, Any]]:
    """The beginning of a list; of results, which show little of what they are sorted by, the runs of the same ids."""
    answer = await lists.get(route, "global", {"sort": sort, "per_page": 50})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["data"]
    if route.path not in SHOWN_BY:
        return items
    others = await page(lists, replace(route, path=SHOWN_BY[route.path]), sort)
    assert [item["id"] for item in items] == [item["id"] for item in others]
    return others


async def values(lists: Lists, route: ListRoute, sort: str) -> list[Any]:
    return [sorted_value(item, sort.removeprefix("-")) for item in await page(lists, route, sort)]


@pytest.mark.parametrize(("route", "name"), SORTS)
async def test_a_list_is_in_the_order_that_is_asked_for(lists: Lists, route: ListRoute, name: str) -> None:
    up = await values(lists, route, name)
    down = await values(lists, route, f"-{name}")

    assert all(in_order(one, other) for one, other in pairwise(up)), up
    assert all(in_order(other, one) for one, other in pairwise(down)), down
    assert up[0] != down[0]


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_order_that_is_not_documented_is_refused(some: Lists, route: ListRoute) -> None:
    assert route.sorts
    for unknown in ("no_such_field", "password_hash", "job"):
        answer = await some.get(route, "global", {"sort": unknown})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["sort"])


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_later_names_order_what_is_alike_by_the_first(some: Lists, route: ListRoute) -> None:
    for sort in route.sorts:
        items = await page(some, route, f"{sort},id")
        alike = [(one, other) for one, other in pairwise(items) if sorted_value(one, sort) == sorted_value(other, sort)]
        assert all(one["id"] < other["id"] for one, other in alike), sort
