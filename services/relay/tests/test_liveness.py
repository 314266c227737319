"""Sockets that vanish are noticed, and those who never say who they are do not stay."""

import asyncio

import httpx2
import pytest

from services.relay.tests.kit import PATIENCE, Relay, Session, Stage
from sextant_relay.settings import RelaySettings
from sextant_shared.contract.commands import CloseConnection, OpenConnection
from sextant_shared.security import Principal

API_GRACE_SECONDS = 15
SWEEP_SECONDS = 1


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


async def until_gone(session: Session) -> None:
    """Poll until the session is gone; each poll before that comes back by itself."""
    async with asyncio.timeout(PATIENCE):
        while (await session.get(check=False)).is_success:
            pass


def test_a_vanished_node_is_offline_within_a_minute_whatever_happens() -> None:
    settings = RelaySettings(client_secret="secret")
    noticed = settings.socket_ping_interval_seconds + settings.socket_ping_timeout_seconds + SWEEP_SECONDS
    assert max(noticed + API_GRACE_SECONDS, settings.lease_seconds + settings.lease_touch_seconds) <= 60


def test_a_lease_outlives_three_lost_touches() -> None:
    settings = RelaySettings(client_secret="secret")
    assert settings.lease_seconds >= 4 * settings.lease_touch_seconds


async def test_a_node_that_answers_no_ping_is_closed(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_ping_interval_seconds=0.2, socket_ping_timeout_seconds=0.2) as relay:
        async with relay.session(stage.auth.token(node)) as session:
            await session.enter()
            opened = await stage.commands.until(OpenConnection)
            closed = await stage.commands.until(CloseConnection)
        assert closed[0].connection_id == opened[0].connection_id


async def test_a_node_that_answers_stays(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_ping_interval_seconds=0.2, socket_ping_timeout_seconds=0.5) as relay:
        ear = await relay.ear().connect(stage.auth.token(node))
        async with relay.session(stage.auth.token(node)) as silent:
            await silent.enter()
            opened = await stage.commands.until(OpenConnection, 2)
            closed = await stage.commands.until(CloseConnection)
        assert [each.connection_id for each in closed] != [opened[0].connection_id]
        assert (ear.client.connected, len(closed)) == (True, 1)


async def test_a_poll_that_waits_ends_when_its_session_is_closed(stage: Stage, node: Principal) -> None:
    quick = {"socket_ping_interval_seconds": 0.2, "socket_ping_timeout_seconds": 0.2}
    async with stage.relay(**quick) as relay, relay.session(stage.auth.token(node)) as session:
        await session.enter()
        await until_gone(session)


async def test_a_session_that_never_enters_the_namespace_is_ended(stage: Stage) -> None:
    async with stage.relay(socket_stranger_seconds=0.2) as relay, relay.session(None) as session:
        await session.post("40")
        await until_gone(session)


async def test_a_session_in_the_namespace_is_no_stranger(stage: Stage, node: Principal) -> None:
    async with stage.relay(socket_stranger_seconds=0.2) as relay:
        ear = await relay.ear().connect(stage.auth.token(node))
        async with relay.session(None) as stranger:
            await until_gone(stranger)
        await ear.settle()
        assert ear.left == []


async def test_readiness_needs_the_broker_and_keys_to_judge_by(stage: Stage, relay: Relay) -> None:
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        stage.auth.down = True
        without_keys = await client.get("/readyz")
        stage.auth.down = False
        ready = await client.get("/readyz")
        stage.auth.down = True
        with_keys = await client.get("/readyz")
        stage.bus.down = True
        without_broker = await client.get("/readyz")
        alive = await client.get("/livez")
    states = [each.status_code for each in (without_keys, ready, with_keys, without_broker, alive)]
    assert states == [503, 200, 200, 503, 200]
    assert without_broker.json()["checks"] == {"broker": False, "signing_keys": True, "staying": True}
