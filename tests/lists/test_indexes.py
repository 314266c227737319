"""Every filter of every list is served by an index, together with what the caller may see.

PostgreSQL is asked how it would go about exactly what the service executes, on tables that are large and known to it,
for a value that few rows have. Whatever reads a table from end to end then is a filter without an index.
"""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from .conftest import CALLERS, Lists
from .plans import orders_whole
from .routes import EXAMPLES, TOGETHER, ListRoute, list_routes
from .statements import Statement, listening

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES: Final = list_routes()
FILTERS: Final = [pytest.param(route, name, id=f"{route} {name}") for route in ROUTES for name in route.filters]
NARROWED: Final = [name for name in CALLERS if name != "global"]


async def ask(many: Lists, route: ListRoute, caller: str, query: Mapping[str, Any]) -> tuple[int, list[Statement]]:
    with listening(many.db(route.service)) as heard:
        answer = await many.get(route, caller, query)
    return answer.status_code, heard


async def whole(many: Lists, route: ListRoute, statements: list[Statement]) -> set[str]:
    """The tables that some statements read from end to end, each with the statement."""
    planner = await many.planner(route.service)
    return {
        f"{table}: {statement.text}" for statement in statements for table in await planner.tables_read_whole(statement)
    }


async def test_there_is_an_example_for_every_filter_and_no_other() -> None:
    assert {route.path: set(route.filters) for route in ROUTES} == {path: set(of) for path, of in EXAMPLES.items()}


async def test_the_tables_are_so_large_that_it_matters(many: Lists) -> None:
    async with many.db("api").engine.connect() as api, many.db("auth").engine.connect() as auth:
        counts = [
            (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - ours
            for connection, table in ((api, "tasks"), (api, "runs"), (auth, "users"))
        ]

    assert min(counts) >= 20_000


@pytest.mark.parametrize(("route", "name"), FILTERS)
async def test_a_filter_is_served_by_an_index(many: Lists, route: ListRoute, name: str) -> None:
    query = {name: EXAMPLES[route.path][name], **TOGETHER.get((route.path, name), {})}
    answered = {}
    for caller in CALLERS:
        answered[caller], heard = await ask(many, route, caller, query)
        if answered[caller] == 200:
            assert await whole(many, route, heard) == set(), caller

    assert set(answered.values()) <= {200, 401}
    assert answered["global"] == 200


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_what_a_caller_may_see_is_found_without_reading_the_rest(many: Lists, route: ListRoute) -> None:
    answered = {}
    for caller in NARROWED:
        for query in route.shapes:
            answered[caller], heard = await ask(many, route, caller, query)
            if answered[caller] == 200:
                assert await whole(many, route, heard) == set(), caller

    assert set(answered.values()) <= {200, 401}
    assert answered["all but global"] == 200


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_order_reads_no_more_than_the_caller_may_see(many: Lists, route: ListRoute) -> None:
    for name in route.sorts:
        status, heard = await ask(many, route, "all but global", {"sort": name})
        assert (status, await whole(many, route, heard)) == (200, set()), name


ORDERED: Final[Mapping[str, set[str]]] = {
    "/api/task": {"id", "job_id", "name", "status", "collaboration_id", "init_org_id", "init_user_id"},
    "/api/run": {"id", "task_id", "organization_id", "assigned_at"},
    "/api/result": {"id", "task_id", "organization_id", "assigned_at"},
    "/api/node": {"id", "name", "status"},
    "/api/user": {"id"},
}
"""Orders that an index has, for whoever sees everything. Every other costs one pass over the list's own table: nobody
but an administrator without a filter asks for it, and one more index would cost every task that is made."""


@pytest.mark.parametrize("route", [route for route in ROUTES if route.path in ORDERED], ids=str)
async def test_an_order_of_everything_costs_a_pass_at_most(many: Lists, route: ListRoute) -> None:
    planner = await many.planner(route.service)
    passes = set()
    for name in route.sorts:
        _, heard = await ask(many, route, "global", {"sort": name})
        plans = [await planner.plan(statement) for statement in heard if "ORDER BY" in statement.text]
        if any(orders_whole(plan) for plan in plans):
            passes.add(name)

    assert passes & ORDERED[route.path] == set()
