"""What nodes say about their runs on their sockets: judged, ordered, once each."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.api.tests.work.world import World
from sextant_api.models import run_logs
from sextant_shared.contract.commands import AppendRunLog, ReportRunStatus
from sextant_shared.contract.events import RunLogAppended, RunStatusChanged
from sextant_shared.messaging import API_COMMANDS


async def say(world: World, run_id: int, log: str, *, node_id: int | None = None, at: datetime | None = None) -> None:
    content = AppendRunLog(node_id=node_id or world.near_node.id, run_id=run_id, log=log)
    envelope = content.enclosed(message_id=uuid4(), source="relay", time=at or datetime.now(UTC))
    await world.api.bus.send(API_COMMANDS, envelope)


async def test_pieces_of_a_log_stand_on_lines_of_their_own(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    for piece in ("one\n", "", "three", "four\n"):
        await say(world, run["id"], piece)

    assert (await world.run_of(task, world.near))["log"] == "one\n\nthree\nfour\n"
    told = [RunLogAppended.opened(envelope) for envelope in await world.api.events(RunLogAppended)]
    assert [(event.run_id, event.task_id, event.organization_id, event.log) for event in told] == [
        (run["id"], task["id"], world.near, piece) for piece in ("one\n", "", "three", "four\n")
    ]


async def test_pieces_stand_in_the_order_in_which_they_were_said(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    begin = datetime.now(UTC)

    for number in (2, 0, 1):
        await say(world, run["id"], str(number), at=begin + timedelta(milliseconds=number))

    assert (await world.run_of(task, world.near))["log"] == "0\n1\n2"


async def test_a_log_that_is_handed_in_replaces_what_was_streamed(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await say(world, run["id"], "streamed")

    await world.patch(run, world.near_node, status="completed", log="handed in")

    assert (await world.run_of(task, world.near))["log"] == "handed in"


async def test_a_line_that_comes_after_the_end_is_heard_and_not_stored(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.patch(run, world.near_node, status="completed", log="the whole of it")
    await world.api.forget_events()

    await say(world, run["id"], "it")

    assert (await world.run_of(task, world.near))["log"] == "the whole of it"
    (fact,) = await world.api.events()
    assert RunLogAppended.opened(fact).log == "it"


async def test_a_message_that_comes_twice_counts_once(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.api.forget_events()

    await world.api.send(AppendRunLog(node_id=world.near_node.id, run_id=run["id"], log="once"), times=2)
    await world.api.send(ReportRunStatus(node_id=world.near_node.id, run_id=run["id"], status="active"), times=2)

    assert (await world.run_of(task, world.near))["log"] == "once"
    assert [envelope.type for envelope in await world.api.events()] == [RunLogAppended.type, RunStatusChanged.type]


async def test_what_cannot_be_stored_is_replaced(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    await say(world, run["id"], "a\0b")

    assert (await world.run_of(task, world.near))["log"] == "a\N{REPLACEMENT CHARACTER}b"


async def test_a_run_that_goes_on_is_announced_and_not_changed(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.api.forget_events()

    await world.api.send(ReportRunStatus(node_id=world.near_node.id, run_id=run["id"], status="active"))

    assert await world.run_of(task, world.near) == run
    (fact,) = await world.api.events()
    event = RunStatusChanged.opened(fact)
    assert (event.run_id, event.node_id, event.status, event.announce) == (
        run["id"],
        world.near_node.id,
        "active",
        True,
    )


async def test_an_end_is_announced_once_it_is_stored_and_not_before(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.api.forget_events()

    await world.api.send(ReportRunStatus(node_id=world.near_node.id, run_id=run["id"], status="completed"))
    assert await world.api.events() == []
    await world.patch(run, world.near_node, status="completed", result="eA==")

    (fact,) = await world.api.events()
    assert (fact.data["status"], fact.data["announce"]) == ("completed", True)


async def test_what_is_not_the_nodes_or_makes_no_sense_is_dropped(world: World) -> None:
    task = await world.task()
    run = await world.run_of(task, world.near)
    ended = await world.task(world.near)
    done = await world.patch(await world.run_of(ended, world.near), world.near_node, status="completed")
    await world.api.forget_events()

    await say(world, run["id"], "forged", node_id=world.far_node.id)
    await say(world, 987654, "of nothing")
    for run_id, node_id, status in (
        (run["id"], world.far_node.id, "active"),
        (987654, world.near_node.id, "active"),
        (run["id"], world.near_node.id, "sleeping"),
        (done["id"], world.near_node.id, "active"),
    ):
        await world.api.send(ReportRunStatus(node_id=node_id, run_id=run_id, status=status))

    assert await world.api.events() == []
    assert await world.api.count(run_logs) == 0
    assert await world.api.parked() == 0
