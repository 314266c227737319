"""Inputs, results and logs are read where they are shown, of the runs that are shown, and nowhere else."""

from typing import Final

import pytest

from .conftest import CALLERS, Lists
from .crowd import TASK, run_of
from .plans import read_whole
from .routes import EXAMPLES, ListRoute, list_routes
from .statements import Statement, listening

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAYLOADS: Final = frozenset({"run_inputs", "run_results", "run_logs"})
SHOWN: Final = {
    # the wire shows a run with its input and log, wherever it stands
    ("/api/run", ""): {"run_inputs", "run_logs"},
    ("/api/run", "task"): {"run_inputs", "run_logs"},
    ("/api/result", ""): {"run_results"},
    ("/api/task", "runs"): {"run_inputs", "run_logs"},
    ("/api/task", "results"): {"run_results"},
    ("/api/task", "runs,results"): PAYLOADS,
}
"""What each list shows of payloads, by its path and what it includes."""
ROUTES: Final = list_routes()


def payloads(statements: list[Statement]) -> set[str]:
    return {table for table in PAYLOADS for statement in statements if table in statement.text}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_list_reads_the_payloads_that_it_shows(many: Lists, route: ListRoute) -> None:
    for query in route.shapes:
        with listening(many.db(route.service)) as heard:
            assert (await many.get(route, "global", query)).status_code == 200
        assert payloads(heard) == SHOWN.get((route.path, query.get("include", "")), set()), query


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_neither_counting_nor_a_filter_reads_a_payload(many: Lists, route: ListRoute) -> None:
    for name, value in EXAMPLES[route.path].items():
        with listening(many.db(route.service)) as heard:
            await many.get(route, "global", {name: value})
        counting = [statement for statement in heard if "count(*)" in statement.text]
        assert payloads(counting) == set(), name
        assert payloads(heard) <= SHOWN.get((route.path, ""), set()), name


@pytest.mark.parametrize("route", [route for route in ROUTES if (route.path, "") in SHOWN], ids=str)
async def test_payloads_are_read_of_the_page_alone_whatever_it_is_sorted_by(many: Lists, route: ListRoute) -> None:
    planner = await many.planner(route.service)
    for name in route.sorts:
        with listening(many.db(route.service)) as heard:
            await many.get(route, "global", {"sort": name})
        for statement in heard:
            assert not read_whole(await planner.plan(statement), ()) & PAYLOADS, name


async def test_no_status_reads_a_payload(many: Lists) -> None:
    for path in (f"/api/task/{TASK}", f"/api/task/{TASK}/status", "/api/blobstream/status", "/api/health"):
        for caller in CALLERS:
            with listening(many.db("api")) as heard:
                answer = await many.api.call("GET", path, many.token("api", caller))
            assert answer.status_code in (200, 401), path
            assert payloads(heard) == set()


async def test_a_run_reads_what_it_shows_and_a_result_only_that(many: Lists) -> None:
    read = {}
    for resource in ("run", "result"):
        with listening(many.db("api")) as heard:
            await many.api.call("GET", f"/api/{resource}/{run_of(TASK)}", many.token("api", "global"))
        read[resource] = payloads(heard)

    assert read == {"run": {"run_inputs", "run_logs"}, "result": {"run_results"}}
