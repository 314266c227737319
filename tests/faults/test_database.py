"""A database that crashes, and one that ends all connections."""

import asyncio

import pytest

from tests.faults.fleet import until
from tests.faults.invariants import Exempt
from tests.faults.suite import BreakableSuite
from tests.faults.world import Scene

_BOUND_SECONDS = 5
_TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = 'sextant' AND pid <> pg_backend_pid()"
)


async def test_f11_the_database_crashes_and_comes_back(suite: BreakableSuite, stage: Scene) -> None:
    """While it is away there is a 503 with Retry-After and in time; then all goes on by itself, the outbox included."""
    posting = asyncio.create_task(stage.post_many(6))
    await until(lambda: any(station.is_busy() for station in stage.stations), 30, "nodes are at work")
    stage.injected("the database crashes")
    await suite.break_database()
    answers = [
        await stage.root.once("GET", f"/api/node?collaboration_id={stage.collaboration}"),
        await stage.root.once("POST", "/api/organization", {"name": "never"}),
        await stage.root.once("POST", "/api/token/user", stage.world.root),
    ]
    assert [(answer.status, "Retry-After" in answer.headers, set(answer.body)) for answer in answers] == [
        (503, True, {"msg", "code", "request_id"})
    ] * 3
    assert max(answer.seconds for answer in answers) < _BOUND_SECONDS
    await suite.mend_database()
    stage.injected("the database is back")
    await posting
    await stage.conclude(Exempt(server_errors=True))


@pytest.mark.long_form
async def test_f12_the_database_ends_all_connections(suite: BreakableSuite, stage: Scene) -> None:
    """What reads does not notice; what is in the middle of writing fails as a whole."""
    path = f"/api/node?collaboration_id={stage.collaboration}"
    for _ in range(5):
        assert (await suite.sql(_TERMINATE))[0][0] > 0
        answers = await asyncio.gather(*(stage.root.once("GET", path) for _ in range(8)))
        assert [answer.status for answer in answers] == [200] * 8
    posting = asyncio.create_task(stage.post_many(6))
    for _ in range(4):
        await until(lambda: any(station.is_busy() for station in stage.stations), 30, "nodes are at work")
        stage.injected("all connections to the database end")
        await suite.sql(_TERMINATE)
    await posting
    await stage.conclude(Exempt(server_errors=True))
