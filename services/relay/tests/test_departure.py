"""A relay that is told to stop sends its clients elsewhere first."""

import asyncio

import httpx2
import pytest
import socketio

from services.relay.tests.kit import Relay, Stage, eventually
from sextant_shared.contract.commands import CloseConnection, OpenConnection
from sextant_shared.security import Principal

TRANSPORTS = pytest.mark.parametrize("transports", [["websocket"], ["polling"], None], ids=str)
POLL = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


async def leave(relay: Relay) -> None:
    for step in relay.service.drain:
        await step()


@TRANSPORTS
async def test_every_socket_is_closed_and_api_is_told(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ears = [await relay.ear().connect(stage.auth.token(node), transports=transports) for _ in range(3)]
    opened = await stage.commands.until(OpenConnection, 3)
    await leave(relay)
    closed = stage.commands.of(CloseConnection)
    assert {each.connection_id for each in closed} == {each.connection_id for each in opened}
    await eventually(lambda: all(ear.left for ear in ears))


@TRANSPORTS
async def test_clients_come_back_by_themselves(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ear = await relay.ear(reconnection=True).connect(stage.auth.token(node), transports=transports)
    await ear.until("sync")
    # what the gateway would do: new sessions go to a replica that stays
    async with stage.relay() as other:
        ear.client.connection_url = other.url
        await leave(relay)
        await ear.until("sync", 2)
        await ear.client.shutdown()


async def test_what_was_sent_before_the_end_still_arrives(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(node))
    await ear.until("sync")
    await stage.gap()
    await leave(relay)
    await eventually(lambda: ear.left)
    assert len(ear.of("sync")) == 2


async def test_the_gateway_is_told_before_any_socket_closes(stage: Stage, node: Principal) -> None:
    async with stage.relay(drain_notice_seconds=0.3) as relay, httpx2.AsyncClient(base_url=relay.url) as client:
        ear = await relay.ear().connect(stage.auth.token(node))
        leaving = asyncio.create_task(leave(relay))
        await asyncio.sleep(0)
        ready = await client.get("/readyz")
        newcomer = await client.get(POLL)
        assert (ready.status_code, ready.json()["checks"]["staying"]) == (503, False)
        assert (newcomer.status_code, ear.left) == (200, [])
        await leaving
        await eventually(lambda: ear.left)


async def test_newcomers_are_refused_once_sockets_close(stage: Stage, relay: Relay) -> None:
    await leave(relay)
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        answer = await client.get(POLL)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
    user = stage.auth.add_user(organization_id=1)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await relay.ear().connect(stage.auth.token(user), transports=["websocket"])
