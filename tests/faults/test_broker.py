"""A broker that is away, wiped, cut off; and messages that come twice, late, or that nobody can act upon."""

import asyncio

import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import AppendRunLog, CloseConnection, OpenConnection, ReportRunStatus
from sextant_shared.contract.events import MembershipChanged
from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.ids import new_id
from sextant_shared.messaging.topology import API_COMMANDS, AUTH_EVENTS
from tests.faults.broker import duplicated, parked, send, send_command, turned_aside
from tests.faults.fleet import until
from tests.faults.history import Connected, Disconnected, Executed
from tests.faults.suite import BreakableSuite
from tests.faults.world import Scene

_SETTLED = "SELECT count(*) FROM connections WHERE node_id = {} AND closed_at IS NOT NULL AND online_until < now()"


@pytest.mark.long_form
async def test_f14_the_broker_is_killed_and_comes_back(suite: BreakableSuite, stage: Scene) -> None:
    """What is to be told waits in the outbox; REST goes on; nothing is lost."""
    await stage.post_many(2)
    stage.injected("the broker is killed")
    await suite.break_broker()
    await stage.post_many(4)
    await suite.mend_broker()
    await stage.conclude()


async def test_f14_the_broker_is_wiped(suite: BreakableSuite, stage: Scene) -> None:
    """All queues are declared anew, nodes are told to look for work, and nothing is lost."""
    mark = stage.history.mark()
    posting = asyncio.create_task(stage.post_many(4))
    stage.injected("the broker is wiped")
    await suite.wipe_broker()
    await posting
    await stage.conclude()
    await until(
        lambda: all(stage.history.heard(each.name, "sync", since=mark) for each in stage.stations),
        30,
        "every node is told to look for work",
    )


@pytest.mark.long_form
async def test_f15_connections_to_the_broker_are_closed_again_and_again(suite: BreakableSuite, stage: Scene) -> None:
    """It gets slower, and nothing is lost."""
    posting = asyncio.create_task(stage.post_many(9, at_once=1))
    for _ in range(3):
        stage.injected("connections to the broker are closed")
        await suite.close_broker_connections()
        await asyncio.sleep(5)  # the rhythm of the fault
    await posting
    await stage.conclude()


@pytest.mark.long_form
async def test_f16_one_relay_is_cut_off_from_the_broker(suite: BreakableSuite, stage: Scene) -> None:
    """The relay notices and is not ready, its sockets go to the other one, and work goes on during the partition."""
    mark = stage.history.mark()
    stage.injected("relay 0 is cut off")
    suite.broker_links[RELAY][0].hold()

    async def not_ready() -> bool:
        return not await suite.is_ready(RELAY, 0)

    await until(not_ready, 25, "relay 0 notices")
    await until(lambda: bool(stage.history.since(mark, Disconnected)), 20, "relay 0 sends its sockets away")
    await stage.until_connected(30)
    await stage.post_many(2)
    await stage.until_done(60)
    assert set((await stage.presence()).values()) == {"online"}
    suite.broker_links[RELAY][0].cut()
    suite.broker_links[RELAY][0].release()
    await stage.conclude()


@pytest.mark.long_form
async def test_f17_api_is_cut_off_from_the_broker(suite: BreakableSuite, stage: Scene) -> None:
    """POST /task still answers 201, and the tasks are told after the partition."""
    for link in suite.broker_links[API]:
        link.hold()
    stage.injected("api is cut off")
    mark = stage.history.mark()
    await stage.post_many(4)
    assert stage.history.since(mark, Executed) == []
    for link in suite.broker_links[API]:
        link.release()
    await stage.conclude()


async def test_f20_every_message_comes_three_times(suite: BreakableSuite, stage: Scene) -> None:
    """Nodes execute once, and what is shown is the same."""
    async with duplicated(suite.broker_url, copies=2) as duplicator:
        await stage.post_many(4)
        await stage.conclude()
    assert duplicator.copied >= 4 * 20


async def test_f21_what_nodes_say_comes_in_the_opposite_order(suite: BreakableSuite, stage: Scene) -> None:
    """Runs that have ended stay ended, with what their nodes delivered."""
    async with turned_aside(suite.broker_url, API_COMMANDS) as detour:
        await stage.post_many(2)
        await stage.until_done()
        await until(
            lambda: detour.types().count(ReportRunStatus.type) >= 2 * 2 * 20, 30, "nodes have said all there is to say"
        )
        assert detour.types().count(AppendRunLog.type) >= 2 * 20
        await detour.give(detour.waiting[::-1])
        await stage.conclude()


@pytest.mark.long_form
async def test_f21_changes_of_membership_come_in_the_opposite_order(suite: BreakableSuite, stage: Scene) -> None:
    """The projection in auth ends where api is."""
    last = stage.world.organizations[-1]
    path = f"/api/collaboration/{stage.collaboration}/organization"
    async with turned_aside(suite.broker_url, AUTH_EVENTS) as detour:
        for method in ("DELETE", "POST", "DELETE"):
            assert (await stage.root.ask(method, path, {"id": last})).status in (200, 201)
        await until(lambda: detour.types().count(MembershipChanged.type) >= 3, 30, "api has told all three changes")
        await detour.give(detour.waiting[::-1])

        async def same() -> bool:
            sql = "SELECT organization_id FROM memberships WHERE collaboration_id = {} ORDER BY 1"
            api, auth = [await suite.sql(sql.format(stage.collaboration), of=service) for service in (API, AUTH)]
            return len(api) == 19 and api == auth

        await until(same, 30, "auth knows the members that api has")


@pytest.mark.long_form
async def test_f24_the_end_of_a_connection_is_told_after_the_next_one_began(
    suite: BreakableSuite, stage: Scene
) -> None:
    """The node stays online, and nobody is told otherwise."""
    station, mark = stage.stations[0], stage.history.mark()
    async with turned_aside(suite.broker_url, API_COMMANDS) as detour:
        station.channel.break_off()
        await until(lambda: Connected(station.name) in stage.history.since(mark, Connected), 30, "it came back")
        await until(
            lambda: {OpenConnection.type, CloseConnection.type} <= set(detour.types()), 10, "relay has told both"
        )
        closing = [message for message in detour.waiting if message.type == CloseConnection.type]
        await detour.give([message for message in detour.waiting if message not in closing])
        await detour.give(closing)
    statement = _SETTLED.format(station.identity.id)

    async def over() -> bool:
        return await suite.sql(statement) == [(1,)]

    await until(over, 60, "the grace of the old connection is over")
    await stage.post([station.identity.organization])
    await stage.conclude()
    assert stage.told_offline(mark) == []


@pytest.mark.long_form
async def test_f29_messages_that_nobody_can_act_upon(suite: BreakableSuite, stage: Scene) -> None:
    """They are set aside after some tries, and the queue moves on meanwhile."""
    before = await parked(suite.broker_url, API_COMMANDS)
    command = AppendRunLog(node_id=1, run_id=1, log="x")
    envelope = command.enclosed(message_id=new_id(), source=RELAY, time=SystemClock().now())
    for _ in range(3):
        await send(suite.broker_url, API_COMMANDS, b"no message at all")
        await send_command(suite.broker_url, API_COMMANDS, envelope.model_copy(update={"version": 99, "id": new_id()}))
    stage.injected("six messages are poison")
    await stage.post_many(2)
    await stage.conclude()

    async def set_aside() -> bool:
        return await parked(suite.broker_url, API_COMMANDS) == before + 6

    await until(set_aside, 90, "all six are parked")
