"""Those who leave: services that are asked to, nodes that never come back, members who are put out."""

import asyncio

import pytest

from sextant_shared.contract.routing import RELAY
from sextant_shared.contract.socket_events import NODE_OFFLINE
from sextant_shared.contract.statuses import Presence, RunStatus
from tests.faults.fleet import until
from tests.faults.history import Executed, Heard
from tests.faults.invariants import Exempt
from tests.faults.suite import REPLICAS, BreakableSuite
from tests.faults.world import Scene


@pytest.mark.long_form
async def test_f37_each_service_is_asked_to_end_in_turn(suite: BreakableSuite, stage: Scene) -> None:
    """It finishes what it has begun, sends its sockets elsewhere, and exits with 0."""
    mark = stage.history.mark()
    for service in REPLICAS:
        posting = asyncio.create_task(stage.post_many(2))
        await until(lambda: any(station.is_busy() for station in stage.stations), 30, "nodes are at work")
        stage.injected(f"{service} 0 is asked to end")
        assert (service, await suite.terminate(service, 0)) == (service, 0)
        if service == RELAY:
            await stage.until_connected(30)
        await posting
        await suite.start_again(service, 0)
    await stage.conclude()
    assert stage.told_offline(mark) == []


@pytest.mark.long_form
async def test_f38_a_node_is_killed_while_it_works_and_never_returns(stage: Scene) -> None:
    """Its run stays visible as what it was, its node as offline and when it was last heard of."""
    station, mark = stage.stations[0], stage.history.mark()
    station.may_end.clear()
    await stage.post()

    def started() -> list[int]:
        return [each.run_id for each in stage.history.since(mark, Executed) if each.node_id == station.identity.id]

    await until(lambda: bool(started()), 60, "the node is at work", history=stage.history)
    run = started()[0]

    async def active() -> bool:
        return bool((await stage.root.get(f"/api/run/{run}"))["status"] == RunStatus.ACTIVE)

    await until(active, 30, "the run is active")
    stage.injected(f"{station.name} dies")
    await stage.fleet.remove(station)
    await stage.until_presence({station.identity.id: "offline"})
    await stage.conclude(Exempt(unfinished=frozenset({run})), open_runs=1)
    shown = await stage.root.get(f"/api/run/{run}")
    node = await stage.root.get(f"/api/node/{station.identity.id}")
    assert (shown["status"], shown["finished_at"], shown["node"]["status"]) == (
        RunStatus.ACTIVE,
        None,
        Presence.OFFLINE,
    )
    assert node["last_seen"] is not None


@pytest.mark.long_form
async def test_f39_a_task_is_killed_while_its_node_is_offline(stage: Scene) -> None:
    """The node is not given the run when it returns; killed is final."""
    station = stage.stations[0]
    await stage.fleet.remove(station)
    await stage.until_presence({station.identity.id: "offline"})
    task = await stage.post([station.identity.organization])
    answer = await stage.root.ask("POST", "/api/kill/task", {"id": task})
    assert answer.status == 200
    mark = stage.history.mark()
    again = await stage.replace(station)
    await stage.until_online()
    await until(
        lambda: bool(stage.history.heard(again.name, "sync", since=mark)) and not again.is_busy(),
        30,
        "the node has looked for work",
    )
    later = await stage.post()
    await stage.conclude(Exempt(killed=frozenset({task})))
    assert {each.task_id for each in stage.history.since(mark, Executed)} == {later}
    assert [run["status"] for run in await stage.root.pages(f"/api/run?task_id={task}")] == [RunStatus.KILLED]


async def test_f40_an_organization_is_put_out_of_a_collaboration(stage: Scene) -> None:
    """Its user and its node hear nothing more, at once."""
    member = stage.world.organizations[1]  # the watcher's
    others = [each for each in stage.world.organizations if each != member]
    here = {each.id for each in stage.identities}
    await stage.post()
    await stage.until_done()
    path = f"/api/collaboration/{stage.collaboration}/organization"
    assert (await stage.root.ask("DELETE", path, {"id": member})).status == 200
    stage.injected(f"organization {member} is put out")
    ex_members = {stage.watcher.name, stage.stations[1].name}

    def told() -> bool:
        left = [each for each in stage.history.of(Heard) if each.event == "message" and " left room " in each.payload]
        return ex_members <= {each.listener for each in left}

    await until(told, 10, "relay has put them out of their rooms", history=stage.history)
    mark = stage.history.mark()
    for _ in range(2):
        await stage.post(others)
    await stage.until_done()
    heard = [each for each in stage.history.since(mark, Heard) if each.listener in ex_members]
    # the watcher still hears of nodes of other collaborations that leave
    elsewhere = [each for each in heard if each.event == NODE_OFFLINE and each.payload["id"] not in here]
    assert [each for each in heard if each.event not in ("sync", "message") and each not in elsewhere] == []


async def test_f40_a_collaboration_is_deleted(stage: Scene) -> None:
    """Its nodes are turned away, its watcher leaves the room, and neither hears more of it."""
    for station in stage.stations:
        station.may_end.clear()
    await stage.post()
    await until(lambda: len(stage.history.of(Executed)) == len(stage.stations), 60, "all nodes are at work")
    mark = stage.history.mark()
    answer = await stage.root.ask("DELETE", f"/api/collaboration/{stage.collaboration}?delete_dependents=true")
    assert answer.status == 200
    names = {station.name for station in stage.stations}
    await until(
        lambda: names <= {each.listener for each in stage.history.since(mark, Heard) if each.event == "invalid_token"},
        30,
        "every node is told that it is one no more",
        history=stage.history,
    )
    room = f"left room collaboration_{stage.collaboration}"
    await until(
        lambda: any(room in each for each in stage.history.heard(stage.watcher.name, "message", since=mark)),
        30,
        "the watcher has left the room",
    )
    await until(lambda: not any(each.channel.is_open for each in stage.stations), 30, "no node is connected")
    outsiders = {stage.outsider.name, stage.stranger.name}
    assert [each for each in stage.history.of(Heard) if each.listener in outsiders and each.event == "new_task"] == []
