"""A node on the event channel: how it gets in, what it hears first and what it can say."""

import asyncio

import pytest

from services.relay.tests.kit import Relay, Stage, eventually
from sextant_shared.contract.commands import (
    AppendRunLog,
    CloseConnection,
    OpenConnection,
    ReportNodeInfo,
    ReportNodeMetrics,
    ReportRunStatus,
    TouchConnections,
)
from sextant_shared.contract.events import NodeSyncRequested, TaskCreated
from sextant_shared.contract.socket_events import NAMESPACE
from sextant_shared.security import Principal

TRANSPORTS = pytest.mark.parametrize("transports", [["websocket"], ["polling"], None], ids=str)


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


def task(task_id: int, *organizations: int, collaboration_id: int = 3) -> TaskCreated:
    return TaskCreated(
        task_id=task_id,
        parent_id=None,
        job_id=1,
        collaboration_id=collaboration_id,
        organization_ids=list(organizations),
    )


@TRANSPORTS
async def test_a_node_is_told_to_sync_when_it_connects(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node), transports=transports)
    assert await ear.until("sync") == [None]


@TRANSPORTS
async def test_a_node_hears_of_a_task(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node), transports=transports)
    await ear.until("sync")
    await stage.publish(task(11, 2))
    assert await ear.until("new_task") == [{"id": 11, "parent_id": None}]


async def test_a_task_made_while_a_node_connects_is_announced_or_made_before_its_sync(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    last_before_sync = 0
    ear = relay.ear()
    connecting = asyncio.create_task(ear.connect(stage.auth.token(node)))
    for number in range(1, 2000):
        await stage.publish(task(number, 2))
        if not ear.of("sync"):
            last_before_sync = number
        elif ear.of("new_task"):
            break
        await asyncio.sleep(0)
    await connecting
    announced = [each["id"] for each in await ear.until("new_task")]
    assert announced == list(range(announced[0], announced[0] + len(announced)))
    assert announced[0] <= last_before_sync + 1


async def test_a_node_is_told_which_rooms_it_joined(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    await ear.until("sync")
    assert ear.of("message") == [
        "Node node-7 joined room collaboration_3",
        "Node node-7 joined room collaboration_3_organization_2",
    ]


async def test_nobody_is_told_which_rooms_others_join(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    await ear.until("sync")
    other = await relay.ear().connect(stage.auth.token(stage.node(8, organization_id=4, collaboration_id=3)))
    await other.until("sync")
    await stage.publish(task(1, 2))
    await ear.until("new_task")
    assert len(ear.of("message")) == 2


async def test_api_is_told_of_a_connection_from_its_beginning_to_its_end(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    opened = await stage.commands.until(OpenConnection)
    await ear.client.disconnect()
    closed = await stage.commands.until(CloseConnection)
    assert [(each.node_id, each.collaboration_id, each.lease_seconds) for each in opened] == [(7, 3, 40)]
    assert [(each.node_id, each.connection_id) for each in closed] == [(7, opened[0].connection_id)]


async def test_each_connection_of_a_node_has_a_name_of_its_own(stage: Stage, relay: Relay, node: Principal) -> None:
    for _ in range(2):
        await relay.ear().connect(stage.auth.token(node))
    opened = await stage.commands.until(OpenConnection, 2)
    assert len({each.connection_id for each in opened}) == 2


async def test_live_connections_are_touched(stage: Stage, node: Principal) -> None:
    async with stage.relay(lease_touch_seconds=0.05) as relay:
        await relay.ear().connect(stage.auth.token(node))
        opened = await stage.commands.until(OpenConnection)
        touches = await stage.commands.until(TouchConnections, 2)
    touched = {(each.connection_id, each.node_id) for touch in touches for each in touch.connections}
    assert touched == {(opened[0].connection_id, 7)}


@TRANSPORTS
async def test_what_a_node_says_reaches_api_in_order(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node), transports=transports)
    await ear.say("node_info_update", {"encryption": True})
    await ear.say("algorithm_status_change", {"run_id": 5, "status": "active"})
    for number in range(40):
        await ear.say("algorithm_log", {"run_id": 5, "task_id": 4, "collaboration_id": 3, "log": f"line {number}"})
    await ear.say("node_metrics_update", {"cpu_percent": 1.5})
    await ear.say("algorithm_status_change", {"run_id": 5, "status": "completed"})
    await stage.commands.until(ReportRunStatus, status="completed")
    said = [message.type for message in stage.commands.seen if message.type != TouchConnections.type]
    assert said == [
        OpenConnection.type,
        ReportNodeInfo.type,
        ReportRunStatus.type,
        *[AppendRunLog.type] * 40,
        ReportNodeMetrics.type,
        ReportRunStatus.type,
    ]
    assert [each.log for each in stage.commands.of(AppendRunLog)] == [f"line {number}" for number in range(40)]


async def test_a_node_cannot_speak_for_another(stage: Stage, relay: Relay, node: Principal) -> None:
    stage.node(8, organization_id=4, collaboration_id=5)
    ear = await relay.ear().connect(stage.auth.token(node))
    claims = {"run_id": 5, "node_id": 8, "organization_id": 4, "collaboration_id": 5}
    await ear.say("algorithm_status_change", {**claims, "status": "active"})
    await ear.say("algorithm_log", {**claims, "log": "hello"})
    await ear.say("node_info_update", {"node_id": 8})
    await ear.say("node_metrics_update", {"node_id": 8})
    await stage.commands.until(ReportNodeMetrics)
    spoken = [message.data for message in stage.commands.seen if message.type != TouchConnections.type]
    assert [data["node_id"] for data in spoken] == [7] * 5


async def test_a_node_hears_nothing_of_another_nodes_connection(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    stranger = await relay.ear().connect(stage.auth.token(stage.node(8, organization_id=2, collaboration_id=5)))
    await ear.until("sync")
    await stranger.until("sync")
    await stage.publish(task(1, 2, collaboration_id=5), task(2, 2))
    await ear.until("new_task")
    await stranger.until("new_task")
    assert [each.of("new_task")[0]["id"] for each in (ear, stranger)] == [2, 1]
    assert len(ear.of("new_task") + stranger.of("new_task")) == 2


async def test_a_node_that_should_look_for_work_is_told_to_sync_again(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    neighbour = await relay.ear().connect(stage.auth.token(stage.node(8, organization_id=4, collaboration_id=3)))
    await ear.until("sync")
    await neighbour.until("sync")
    await stage.publish(NodeSyncRequested(node_id=7, collaboration_id=3), task(1, 2, 4))
    await neighbour.until("new_task")
    await ear.until("new_task")
    assert (len(ear.of("sync")), len(neighbour.of("sync"))) == (2, 1)


async def test_what_a_node_says_before_it_is_known_counts_all_the_same(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    token = stage.auth.token(node)
    stage.auth.down = True
    ear = await relay.ear().connect(token)
    await ear.say("algorithm_status_change", {"run_id": 5, "status": "active"})
    stage.auth.down = False
    assert await stage.commands.until(ReportRunStatus) == [ReportRunStatus(node_id=7, run_id=5, status="active")]


async def test_a_node_waits_connected_while_auth_is_away(stage: Stage, relay: Relay, node: Principal) -> None:
    token = stage.auth.token(node)
    stage.auth.down = True
    ear = await relay.ear().connect(token)
    assert (ear.heard, ear.client.connected) == ([], True)
    stage.auth.down = False
    await ear.until("sync")
    assert ear.left == []


async def test_nothing_that_a_node_says_is_lost_while_the_broker_is_away(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    await stage.commands.until(OpenConnection)
    stage.bus.down = True
    for number in range(5):
        await ear.say("algorithm_log", {"run_id": 5, "log": str(number)})
    await ear.say("algorithm_status_change", {"run_id": 5, "status": "completed"})
    await ear.settle()
    await ear.client.disconnect()
    stage.bus.down = False
    await stage.commands.until(CloseConnection)
    said = [message.data.get("log") or message.type for message in stage.commands.seen]
    assert said == [OpenConnection.type, *"01234", ReportRunStatus.type, CloseConnection.type]


async def test_a_node_may_leave_the_namespace_and_come_back_within_its_session(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node), namespaces=["/", NAMESPACE])
    await ear.until("sync")
    await ear.client.eio.send(f"1{NAMESPACE},")
    await stage.commands.until(CloseConnection)
    await ear.client.eio.send(f"0{NAMESPACE},")
    await ear.until("sync", 2)
    assert len(await stage.commands.until(OpenConnection, 2)) == 2


async def test_an_outage_of_the_broker_makes_every_node_look_for_work(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    person = stage.auth.add_user(organization_id=2, role="Researcher")
    user = await relay.ear().connect(stage.auth.token(person))
    await ear.until("sync")
    await user.until("message")
    await stage.gap()
    await ear.until("sync", 2)
    assert len(await stage.commands.until(OpenConnection, 2)) == 2
    assert user.of("sync") == []


async def test_a_membership_that_changed_during_an_outage_is_noticed_after_it(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    person = stage.auth.add_user(organization_id=9, role="Researcher")
    user = await relay.ear().connect(stage.auth.token(person))
    await eventually(lambda: stage.api.asked)
    stage.api.collaborations[3].append(9)
    await stage.gap()
    assert await user.until("message") == ["User user-1 joined room collaboration_3"]
    assert node.collaboration_id == 3
