"""Sockets that do not take what they are sent, that are cut off without a word, and that come in crowds."""

from functools import partial

import pytest

from sextant_shared.contract.routing import RELAY
from sextant_shared.contract.socket_events import ALGORITHM_LOG
from tests.faults.conftest import Scale
from tests.faults.fault_proxy import Direction
from tests.faults.fleet import Watcher, until
from tests.faults.history import Executed, Heard, Refused
from tests.faults.invariants import Exempt
from tests.faults.suite import REPLICAS, BreakableSuite
from tests.faults.world import ORGANIZATIONS, Scene

_SERVER_ERROR = 500
_PIECE = "x" * 60_000
_PIECES = 400
"""More than systems keep in the buffers of a connection by themselves."""


@pytest.mark.long_form
async def test_f22_a_socket_takes_nothing_of_what_it_is_sent(suite: BreakableSuite, stage: Scene) -> None:
    """What waits for it is bounded, it is closed at the limit, and the others hear everything meanwhile."""
    await suite.restart(RELAY, 0, {"SEXTANT_SOCKET_QUEUE_PACKETS": "50"})
    line = suite.line(RELAY, 0)
    user = stage.user("walter", stage.world.people["walter"])
    slow = Watcher("slow", user, stage.session, f"http://127.0.0.1:{line.port}", stage.history)
    stage.fleet.add(slow)
    await stage.until_connected()
    station, mark = stage.stations[0], stage.history.mark()
    station.may_end.clear()
    task = await stage.post([station.identity.organization])
    await until(lambda: bool(stage.history.since(mark, Executed)), 30, "the node is at work", history=stage.history)
    run = stage.history.since(mark, Executed)[0].run_id
    await until(lambda: bool(stage.history.heard("slow", "new_task", since=mark)), 30, "the slow one hears as yet")
    stage.injected("the slow one takes nothing any more")
    line.hold(Direction.DOWN)

    async def closed() -> bool:
        return await suite.metric(RELAY, 0, "sextant_relay_overflows_total") >= 1

    for number in range(_PIECES):
        if number % 10 == 0 and await closed():
            break
        piece = f"{number} {_PIECE}"
        await station.channel.say(ALGORITHM_LOG, {"run_id": run, "task_id": task, "log": piece})
        expected = Heard(stage.watcher.name, ALGORITHM_LOG, {"run_id": run, "task_id": task, "log": piece})
        await until(partial(stage.history.ends_with, expected), 10, f"another watcher hears piece {number}")

    await until(closed, 10, "relay has closed the slow one")
    line.heal()
    station.may_end.set()
    await stage.conclude()


@pytest.mark.long_form
async def test_f23_a_node_is_cut_off_without_a_word(suite: BreakableSuite, stage: Scene) -> None:
    """It is shown offline within sixty seconds, and its next connection wins over what is left of the old one."""
    line = suite.line()
    identity = stage.identities[0]
    await stage.replace(stage.stations[0], socket_url=f"http://127.0.0.1:{line.port}")
    await stage.until_online()
    mark = stage.history.mark()
    stage.injected(f"{stage.stations[0].name} is cut off")
    line.hold()
    await stage.until_presence({identity.id: "offline"}, 60)
    assert stage.told_offline(mark) == [identity.id]
    task = await stage.post()
    await stage.replace(stage.stations[0])
    await stage.until_online()
    mark = stage.history.mark()
    stage.injected("the old line comes back to life")
    line.release()
    await until(lambda: line.connections() == 0, 30, "the old connection is gone for good")
    await stage.conclude()
    assert stage.told_offline(mark) == []
    assert [entry.node_id for entry in stage.history.of(Executed) if entry.task_id == task].count(identity.id) == 1


@pytest.mark.long_form
async def test_f32_a_whole_network_comes_back_at_once(suite: BreakableSuite, stage: Scene, scale: Scale) -> None:
    """All its nodes are online soon: thirty seconds on a machine that has nothing else to do.

    Some may be told that there are too many of them, but none that had something to deliver.
    """
    herd = []
    for _ in range(scale.herd // ORGANIZATIONS):
        collaboration = await stage.make_collaboration(stage.world.organizations)
        herd += [stage.station(each) for each in await stage.register(stage.world.organizations, collaboration)]
    await suite.kill_all(RELAY)
    for number in range(REPLICAS[RELAY]):
        await suite.start_again(RELAY, number)
    stage.injected(f"{len(herd)} nodes come at once")
    stage.fleet.add(*herd)
    ids = ", ".join(str(station.identity.id) for station in herd)

    async def online() -> bool:
        sql = f"SELECT count(*) FROM nodes WHERE status = 'online' AND id IN ({ids})"  # noqa: S608 - numbers
        return await suite.sql(sql) == [(len(herd),)]

    await until(online, 60, "all are online")
    for station in herd:
        await stage.fleet.remove(station)
    await stage.conclude(Exempt(server_errors=True))
    assert {each.method for each in stage.history.of(Refused) if each.status >= _SERVER_ERROR} <= {"GET"}
