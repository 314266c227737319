"""Sockets whose token is no good are let in, told, and put out."""

import asyncio

import pytest

from services.relay.tests.kit import Ear, Relay, Stage, eventually
from sextant_shared.contract.commands import OpenConnection, ReportRunStatus
from sextant_shared.contract.events import TaskCreated
from sextant_shared.security import Principal

TRANSPORTS = pytest.mark.parametrize("transports", [["websocket"], ["polling"], None], ids=str)


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


def forged(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


async def notice_of(ear: Ear) -> list[str]:
    """Wait until the connection is over, and tell what was heard of it."""
    await eventually(lambda: ear.left)
    return [name for name, _arguments in ear.heard]


@TRANSPORTS
async def test_a_forged_token_is_called_invalid_on_an_accepted_connection(
    stage: Stage, relay: Relay, node: Principal, transports: list[str] | None
) -> None:
    ear = await relay.ear().connect(forged(stage.auth.token(node)), transports=transports)
    assert await notice_of(ear) == ["invalid_token"]


async def test_a_connection_without_a_token_is_told_and_put_out(relay: Relay) -> None:
    ear = await relay.ear().connect(None)
    assert await notice_of(ear) == ["invalid_token"]


async def test_an_expired_token_of_a_user_is_called_expired(stage: Stage, relay: Relay) -> None:
    user = stage.auth.add_user(organization_id=2, role="Root")
    ear = await relay.ear().connect(stage.auth.token(user, lifetime_seconds=-3600))
    assert await notice_of(ear) == ["expired_token"]


async def test_an_expired_token_of_a_node_opens_the_channel(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(node, lifetime_seconds=-7 * 24 * 3600))
    assert await ear.until("sync")


async def test_the_grace_for_nodes_can_be_set(stage: Stage, node: Principal) -> None:
    async with stage.relay(node_token_grace_seconds=60) as relay:
        ear = await relay.ear().connect(stage.auth.token(node, lifetime_seconds=-3600))
        assert await notice_of(ear) == ["invalid_token"]


async def test_the_token_may_come_with_the_connect_packet(stage: Stage, relay: Relay, node: Principal) -> None:
    ear = await relay.ear().connect(None, auth={"token": stage.auth.token(node)})
    assert await ear.until("sync")


async def test_a_client_that_is_put_out_does_not_come_back_by_itself(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear(reconnection=True).connect(forged(stage.auth.token(node)))
    await notice_of(ear)
    await asyncio.wait_for(ear.client.wait(), 5)
    assert (ear.of("invalid_token"), ear.client.connected) == ([None], False)


async def test_a_client_that_leaves_by_itself_when_told_can_connect_anew(
    stage: Stage, relay: Relay, node: Principal
) -> None:
    ear = await relay.ear().connect(forged(stage.auth.token(node)))
    await ear.until("invalid_token")
    await ear.client.disconnect()
    await ear.connect(stage.auth.token(node))
    assert await ear.until("sync")


async def test_a_connection_that_was_told_hears_and_says_nothing(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_notice_seconds=3600) as relay:
        ear = await relay.ear().connect(forged(stage.auth.token(node)))
        await ear.until("invalid_token")
        await ear.say("algorithm_status_change", {"run_id": 5, "status": "active"})
        await ear.settle()
        await stage.publish(TaskCreated(task_id=1, parent_id=None, job_id=1, collaboration_id=3, organization_ids=[2]))
        await ear.settle()
        assert [name for name, _arguments in ear.heard] == ["invalid_token"]
        assert stage.commands.of(OpenConnection) + stage.commands.of(ReportRunStatus) == []
