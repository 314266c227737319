"""Processes that die: kill -9 of one replica, of all replicas of a service, of the gateway."""

import asyncio

import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from tests.faults.conftest import Scale, is_long
from tests.faults.fault_proxy import Direction
from tests.faults.fleet import until
from tests.faults.history import Disconnected
from tests.faults.suite import GATEWAY, REPLICAS, BreakableSuite
from tests.faults.world import Scene

_LAPSED = "SELECT count(*) FROM connections WHERE closed_at IS NULL AND online_until < now()"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_f00_one_replica_of_every_service_is_killed_in_turn(
    suite: BreakableSuite, stage: Scene, scale: Scale
) -> None:
    """Every task is carried out at all twenty nodes, and no run is executed twice."""
    services = [AUTH, API, RELAY, VPN_REGISTRY] * (2 if is_long() else 1)
    share = scale.tasks // (len(services) + 1)
    accepted = await stage.post_many(scale.tasks - share * len(services))
    for turn, service in enumerate(services):
        number = turn // len(REPLICAS) % REPLICAS[service]
        posting = asyncio.create_task(stage.post_many(share))
        await until(lambda: any(station.is_busy() for station in stage.stations), 30, "nodes are at work")
        stage.injected(f"{service} {number} is killed")
        await suite.kill(service, number)
        accepted += await posting
        await suite.start_again(service, number)
        stage.injected(f"{service} {number} is back")
    await stage.conclude(within=300)
    assert len(set(accepted)) == scale.tasks


@pytest.mark.long_form
async def test_f01_api_is_killed_before_it_commits_tasks(suite: BreakableSuite, stage: Scene) -> None:
    """The client sees a dropped connection and repeats; there is no half task and no orphan run."""
    async with suite.locked("runs"):
        posting = asyncio.create_task(stage.post_many(8, at_once=8))

        async def waiting() -> bool:
            return bool((await suite.sql(_WAITING))[0][0] >= 8)

        await until(waiting, 30, "eight transactions wait in the middle")
        stage.injected("api is killed")
        await suite.kill_all(API)
    for number in range(REPLICAS[API]):
        await suite.start_again(API, number)
    await posting
    await stage.conclude()
    assert await suite.sql("SELECT count(*) FROM runs WHERE task_id NOT IN (SELECT id FROM tasks)") == [(0,)]


@pytest.mark.long_form
async def test_f02_api_is_killed_after_the_commit_before_the_answer(suite: BreakableSuite, stage: Scene) -> None:
    """The client repeats its request and is answered with the task that it has made already."""
    for entry in suite.entries[API]:
        entry.hold(Direction.DOWN)
    posting = asyncio.create_task(stage.post())

    async def committed() -> bool:
        sql = f"SELECT count(*) FROM tasks WHERE collaboration_id = {stage.collaboration}"  # noqa: S608 - a number
        return await suite.sql(sql) == [(1,)]

    await until(committed, 30, "the task is in the database")
    stage.injected("api is killed")
    await suite.kill_all(API)
    for entry in suite.entries[API]:
        entry.cut()
        entry.release()
    for number in range(REPLICAS[API]):
        await suite.start_again(API, number)
    await posting
    await stage.conclude()
    assert await committed()


@pytest.mark.long_form
async def test_f03_api_is_killed_between_commit_and_publishing(suite: BreakableSuite, stage: Scene) -> None:
    """What waits in the outbox is delivered within five seconds of the restart."""
    for link in suite.broker_links[API]:
        link.hold()
    mark = stage.history.mark()
    task = await stage.post()
    stage.injected("api is killed")
    await suite.kill_all(API)
    assert [stage.history.heard(station.name, "new_task", since=mark) for station in stage.stations] == [[]] * 20
    for link in suite.broker_links[API]:
        link.cut()
        link.release()
    for number in range(REPLICAS[API]):
        await suite.start_again(API, number)

    def told() -> bool:
        return all(
            {"id": task, "parent_id": None} in stage.history.heard(station.name, "new_task", since=mark)
            for station in stage.stations
        )

    await until(told, 5, "every node is told of the task", history=stage.history)
    await stage.conclude()


async def test_f04_one_of_two_relays_is_killed(suite: BreakableSuite, stage: Scene, scale: Scale) -> None:
    """All sockets are at the other within thirty seconds, each node looks for work, and none is shown offline."""
    user = stage.user("otto", stage.world.people["otto"])
    await user.log_in()
    stage.fleet.add(*(stage.watch(f"idle {number}", user) for number in range(scale.sockets)))
    await stage.until_connected()
    await stage.post_many(2)
    mark = stage.history.mark()
    stage.injected("relay 0 is killed")
    await suite.kill(RELAY, 0)
    posting = asyncio.create_task(stage.post_many(2))

    def noticed() -> bool:
        return len(stage.history.since(mark, Disconnected)) >= scale.sockets // 4

    await until(noticed, 10, "the sockets of the killed relay are gone", history=stage.history)
    await stage.until_connected(30)
    lost = {entry.listener for entry in stage.history.since(mark, Disconnected)}
    assert set((await stage.presence()).values()) == {"online"}
    await until(
        lambda: all(stage.history.heard(each.name, "sync", since=mark) for each in stage.stations if each.name in lost),
        10,
        "each node that came back is told to look for work",
    )
    await posting
    if is_long():

        async def lapsed() -> bool:
            return await suite.sql(
                "SELECT count(*) FROM connections WHERE closed_at IS NULL AND online_until < now()"
            ) != [(0,)]

        await until(lapsed, 60, "the leases of the killed relay have run out")
        assert set((await stage.presence()).values()) == {"online"}
    await stage.conclude()
    assert stage.told_offline(mark) == []


@pytest.mark.long_form
async def test_f05_all_relays_are_killed(suite: BreakableSuite, stage: Scene) -> None:
    """REST is unaffected; after the restart everything heals."""
    await stage.post_many(2)
    await suite.kill_all(RELAY)
    await stage.post_many(3)
    for number in range(REPLICAS[RELAY]):
        await suite.start_again(RELAY, number)
    await stage.conclude()


@pytest.mark.long_form
async def test_f08_the_gateway_is_killed(suite: BreakableSuite, stage: Scene) -> None:
    """Clients repeat, sockets reconnect, and no acknowledged write is lost."""
    posting = asyncio.create_task(stage.post_many(8))
    await until(lambda: any(station.is_busy() for station in stage.stations), 30, "nodes are at work")
    stage.injected("the gateway is killed")
    await suite.kill(GATEWAY)
    await until(lambda: not any(each.channel.is_open for each in stage.stations), 10, "all sockets are gone")
    await suite.start_again(GATEWAY)
    await posting
    await stage.conclude()
