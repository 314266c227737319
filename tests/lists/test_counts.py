"""A page of any list costs the same few statements, however long it is and whatever it shows besides."""

from collections.abc import Mapping

import pytest

from .conftest import Lists
from .routes import ListRoute, list_routes
from .statements import listening

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_MOST = 5
SIZES = (10, 100)
SHAPES = [
    pytest.param(route, query, id=f"{route} {query.get('include', '')}".strip())
    for route in list_routes()
    for query in route.shapes
]


@pytest.mark.parametrize(("route", "query"), SHAPES)
async def test_a_page_of_a_hundred_takes_as_few_statements_as_one_of_ten(
    many: Lists, route: ListRoute, query: Mapping[str, str]
) -> None:
    await many.get(route, "global", query)  # which makes the caller known

    costs = {}
    for size in SIZES:
        with listening(many.db(route.service)) as heard:
            answer = await many.get(route, "global", {**query, "per_page": size})
        assert len(answer.json()["data"]) == min(size, int(answer.headers["total-count"])), answer.text
        costs[size] = len(heard)

    assert 1 <= costs[10] == costs[100] <= AT_MOST
