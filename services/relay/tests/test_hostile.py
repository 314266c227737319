"""Clients that break the rules of the protocol harm nobody but themselves."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2
import pytest

from services.relay.tests.kit import Relay, Session, Stage, eventually
from sextant_shared.contract.commands import AppendRunLog, CloseConnection, OpenConnection, ReportRunStatus
from sextant_shared.contract.events import TaskCreated
from sextant_shared.contract.socket_events import NAMESPACE
from sextant_shared.security import Principal

TASK = TaskCreated(task_id=1, parent_id=None, job_id=1, collaboration_id=3, organization_ids=[2])
REPORT = '["algorithm_status_change",{"run_id":5,"status":"active"}]'


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


@pytest.fixture
async def session(stage: Stage, relay: Relay, node: Principal) -> AsyncIterator[Session]:
    """A node that polls, written out packet by packet, and has been told to sync."""
    async with relay.session(stage.auth.token(node)) as session:
        await session.enter()
        await session.until('2/tasks,["sync"]')
        yield session


@pytest.mark.parametrize(
    "packet",
    [
        "4",
        "4x",
        "49",
        "42/tasks,",
        "42/tasks,{}",
        "42/tasks,[]",
        "42/tasks,[1]",
        '42/tasks,[{"a":1}]',
        "42/tasks,[null",
        '42/other,["ping"]',
        "43/tasks,17[]",
        "44/tasks,{}",
        '451-/tasks,["algorithm_log",{"_placeholder":true,"num":0}]',
        '4599999999999-/tasks,["x"]',
        f"42/tasks,{'[' * 50_000}",
        '42/tasks,["algorithm_log",{"run_id":5,"log":' + "9" * 5000 + "}]",
        "42/tasks,123456[",
        f"42/tasks,{'1' * 200}[]",
        "40/tasks,",
        "40/other,",
        "bAAAA",
    ],
    ids=lambda packet: packet[:30],
)
async def test_a_packet_that_makes_no_sense_changes_nothing(stage: Stage, session: Session, packet: str) -> None:
    await session.post(packet)
    await session.post(f"42/tasks,{REPORT}")
    assert await stage.commands.until(ReportRunStatus, node_id=7)
    await stage.publish(TASK)
    await session.until('2/tasks,["new_task",{"id":1,"parent_id":null}]')


async def test_a_batch_of_many_packets_is_taken_whole(stage: Stage, session: Session) -> None:
    lines = [f'42/tasks,["algorithm_log",{{"run_id":5,"log":"{number}"}}]' for number in range(200)]
    await session.post(*lines)
    await stage.commands.until(AppendRunLog, 200)
    assert [each.log for each in stage.commands.of(AppendRunLog)] == [str(number) for number in range(200)]


@pytest.mark.parametrize("event", ["connect", "disconnect"])
async def test_events_named_like_the_librarys_own_do_nothing(stage: Stage, session: Session, event: str) -> None:
    other = stage.node(8, organization_id=4, collaboration_id=5)
    token = stage.auth.token(other)
    await session.post(f'42/tasks,["{event}",{{"HTTP_AUTHORIZATION":"Bearer {token}"}},{{"token":"{token}"}}]')
    await session.post(f"42/tasks,{REPORT}")
    assert await stage.commands.until(ReportRunStatus) == [ReportRunStatus(node_id=7, run_id=5, status="active")]
    assert [each.node_id for each in stage.commands.of(OpenConnection)] == [7]
    assert stage.commands.of(CloseConnection) == []


async def test_a_second_connect_in_a_session_is_refused(session: Session) -> None:
    await session.post("40/tasks,")
    assert await session.until("44/tasks,", start=True)


async def test_an_event_with_a_callback_is_answered_even_if_it_is_refused(session: Session) -> None:
    await session.post('42/tasks,11["no such event"]')
    assert await session.until("3/tasks,11[]")


async def test_a_batch_that_is_too_large_ends_the_session(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_max_packet_bytes=2048) as relay, relay.session(stage.auth.token(node)) as session:
        await session.enter()
        await session.until('2/tasks,["sync"]')
        answer = await session.post("42/tasks," + "x" * 3000, check=False)
        assert answer.status_code == 400
        assert await stage.commands.until(CloseConnection)


async def test_a_websocket_message_that_is_too_large_ends_the_connection(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_max_packet_bytes=2048) as relay, _websocket(relay, stage.auth.token(node)) as socket:
        await stage.commands.until(OpenConnection)
        await socket.send_str("42/tasks," + "x" * 3000)
        assert await stage.commands.until(CloseConnection)


@pytest.mark.parametrize("message", ["x", "", b"\x00\x01", "7", "4\x00"], ids=repr)
async def test_a_websocket_message_that_is_no_packet_harms_nobody_else(
    stage: Stage, relay: Relay, session: Session, node: Principal, message: str | bytes
) -> None:
    async with _websocket(relay, stage.auth.token(node)) as socket:
        await stage.commands.until(OpenConnection, 2)
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        await stage.publish(TASK)
        await session.until('2/tasks,["new_task",{"id":1,"parent_id":null}]')


async def test_a_socket_that_takes_nothing_is_closed_when_too_much_waits(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_queue_packets=20) as relay, relay.session(stage.auth.token(node)) as stalled:
        await stalled.enter()
        ear = await relay.ear().connect(stage.auth.token(node))
        opened = await stage.commands.until(OpenConnection, 2)
        for _ in range(30):
            await stage.publish(TASK)
            await ear.settle()
        closed = await stage.commands.until(CloseConnection)
        assert [each.connection_id for each in closed] == [opened[0].connection_id]
        assert len(await ear.until("new_task", 30)) == 30


async def test_a_node_that_reports_without_end_is_put_off_for_a_moment(stage: Stage, session: Session) -> None:
    await session.post(*[f"42/tasks,{REPORT}"] * 600)
    await session.post('42/tasks,12["ping"]')
    await session.until("3/tasks,12[]")
    await stage.commands.until(ReportRunStatus, 400)
    assert len(stage.commands.of(ReportRunStatus)) < 600


@pytest.mark.parametrize("namespaces", [["/"], [NAMESPACE], ["/", NAMESPACE]], ids=str)
async def test_the_root_namespace_and_tasks_can_be_entered(relay: Relay, namespaces: list[str]) -> None:
    ear = await relay.ear().connect(None, namespaces=namespaces)
    assert sorted(ear.client.namespaces) == sorted(namespaces)


async def test_other_namespaces_are_refused(relay: Relay) -> None:
    async with relay.session(None) as session:
        await session.post("40/admin,")
        assert await session.until("44/admin,", start=True)


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", ""),
        ("GET", "EIO=3&transport=polling"),
        ("GET", "EIO=4&transport=pigeon"),
        ("GET", "EIO=4&transport=websocket"),
        ("GET", "EIO=4&transport=polling&sid=unknown"),
        ("POST", "EIO=4&transport=polling&sid=unknown"),
        ("POST", "EIO=4&transport=polling"),
        ("DELETE", "EIO=4&transport=polling"),
        ("GET", "EIO=4&transport=polling&j=x"),
    ],
)
async def test_a_request_that_is_no_engine_io_gets_a_clear_error(relay: Relay, method: str, query: str) -> None:
    async with httpx2.AsyncClient() as client:
        answer = await client.request(method, f"{relay.url}/socket.io/?{query}", headers={"X-Request-Id": "r" * 10})
    body = answer.json()
    assert 400 <= answer.status_code < 500
    assert (set(body), body["request_id"]) == ({"msg", "code", "request_id"}, "r" * 10)


def _websocket(relay: Relay, token: str) -> Any:
    """Open a websocket by hand and enter the namespace."""
    return _Websocket(relay, token)


class _Websocket:
    def __init__(self, relay: Relay, token: str) -> None:
        self._url = f"{relay.url}/socket.io/?EIO=4&transport=websocket"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(self._url, headers=self._headers)
        assert (await self._socket.receive_str()).startswith("0{")
        await self._socket.send_str("40/tasks,")
        return self._socket

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._http.close()


async def test_the_worst_client_does_not_end_the_server(stage: Stage, relay: Relay, session: Session) -> None:
    for body in (b"\xff\xfe", b"\x1e\x1e", b"d=", b"x"):
        await session.post_raw(body)
    async with httpx2.AsyncClient() as client:
        await eventually(lambda: stage.commands.of(OpenConnection))
        assert (await client.get(f"{relay.url}/readyz")).status_code == 200
