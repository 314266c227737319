"""A client that was away is told each event once and in order, whichever relay it comes back to."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.testing.backing import BackingServers
from sextant_shared.testing.processes import Process
from tests.shapes import Shape, distributed_shape, standalone_shape

from .world import World, eventually

pytestmark = pytest.mark.slow

_RUN = ["new_task", "status_update", "status_update", "algorithm_status_change"]
"""What is told of a task with one run that is taken up and completed; that it was, its node says on its socket."""


@pytest.fixture(scope="module", params=["standalone", "distributed"])
def suite(request: pytest.FixtureRequest, backing_servers: BackingServers) -> Iterator[Shape]:
    """A suite of our own: a relay of it is going to be killed."""
    if request.param == "standalone":
        with standalone_shape(backing_servers) as running:
            yield running
    else:
        with distributed_shape(backing_servers, replicas={AUTH: 1, API: 2, RELAY: 2}) as running:
            yield running


@pytest.fixture
async def world(suite: Shape) -> AsyncIterator[World]:
    async with AsyncExitStack() as exits:
        http = await exits.enter_async_context(httpx2.AsyncClient(timeout=60))
        yield await World(suite.url, http, exits).build(suite.root_password)


def sockets_at(relay: Process) -> float:
    """How many users a relay holds."""
    port = relay.name.rpartition("-")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    counts = [line for line in lines if line.startswith('sextant_relay_connections{kind="user"}')]
    return float(counts[0].rpartition(" ")[2]) if counts else 0.0


async def test_what_was_missed_is_told_when_a_client_comes_back(world: World) -> None:
    watcher = await world.watcher(world.researcher).connect()
    begin = watcher.since
    first = await world.post_task()
    await eventually(lambda: watcher.tasks() == [first])
    await watcher.client.disconnect()
    second = await world.post_task(1)
    await world.do_all()
    await watcher.connect()
    third = await world.post_task(2)
    await eventually(lambda: third in watcher.tasks())

    assert watcher.tasks() == [first, second, third]
    assert sorted(event for event, _ in watcher.heard) == sorted([*_RUN, *_RUN, "new_task"])
    assert watcher.heard == await world.listed(world.researcher, begin)


async def test_who_has_no_right_to_it_is_told_nothing_of_the_past(world: World) -> None:
    begin = (await world.watcher(world.researcher).connect()).since
    await world.post_task()
    await world.do_all()
    heard = []
    for token in (world.outsider, world.deaf):
        stranger = world.watcher(token)
        stranger.since = begin
        heard.append((await stranger.connect()).heard)
    answers = [
        await world.raw("GET", f"event?since={begin}", world.outsider),
        await world.raw("GET", f"event?since={begin}&collaboration_id={world.collaboration}", world.outsider),
        await world.raw("GET", f"event?since={begin}", world.deaf),
    ]

    assert heard == [[], []]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert answers[0].json()["data"] == []


async def test_who_did_not_ask_hears_the_same_events_without_a_word_of_offsets(world: World) -> None:
    asked, plain = world.watcher(world.researcher), world.watcher(world.researcher)
    await asked.connect()
    await plain.connect_plainly()
    task = await world.post_task()
    await world.do_all()
    await eventually(lambda: len(asked.heard) == len(plain.plainly) == len(_RUN))

    assert ("new_task", {"id": task, "parent_id": None}) in plain.plainly
    assert sorted(map(str, plain.plainly)) == sorted(
        str((event, {name: value for name, value in payload.items() if name not in ("event_id", "offset")}))
        for event, payload in asked.heard
    )


async def test_a_program_without_a_socket_is_told_at_once(world: World) -> None:
    begin = (await world.ask("GET", "event?since=newest", world.researcher))["offset"]
    waiting = asyncio.create_task(world.ask("GET", f"event?since={begin}&wait=20", world.researcher))
    await asyncio.sleep(0)
    task = await world.post_task()
    answer = await waiting

    assert [each["payload"] for each in answer["data"]] == [{"id": task, "parent_id": None}]


@pytest.mark.parametrize("suite", ["distributed"], indirect=True)  # standalone is one process
async def test_a_client_whose_relay_is_killed_hears_each_event_once_and_in_order(world: World, suite: Shape) -> None:
    """Tasks go on while the relay is killed, and the client comes back by itself."""
    watcher = await world.watcher(world.researcher, reconnection=True).connect()
    begin = watcher.since
    posted = [await world.post_task(number) for number in range(5)]
    await eventually(lambda: len(watcher.tasks()) == len(posted))
    holder = next(relay for relay in suite.processes[RELAY] if sockets_at(relay))
    holder.kill()
    posted += [await world.post_task(number) for number in range(5, 25)]
    await world.do_all()
    await eventually(lambda: watcher.others.count("history_caught_up") == 2)
    posted.append(await world.post_task(25))
    await eventually(lambda: posted[-1] in watcher.tasks())

    assert watcher.tasks() == posted
    assert watcher.heard == await world.listed(world.researcher, begin)
