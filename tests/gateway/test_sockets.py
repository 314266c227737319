"""A session of Engine.IO stays with its relay, and websockets pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from .conftest import Gateway

_POLL = "/socket.io/?EIO=4&transport=polling"
_COOKIE = "SEXTANT_RELAY"


def _newcomer(gateway: Gateway) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=gateway.url, trust_env=False, timeout=30)


async def _relay_of(client: httpx2.AsyncClient) -> str:
    name = (await client.get(_POLL)).json()["name"]
    assert isinstance(name, str)
    return name


async def test_the_polls_of_a_session_reach_one_relay(gateway: Gateway) -> None:
    async with _newcomer(gateway) as client:
        relays = {await _relay_of(client) for _ in range(10)}
    assert len(relays) == 1


async def test_new_sessions_spread_over_the_relays(gateway: Gateway) -> None:
    relays = set()
    for _ in range(10):
        async with _newcomer(gateway) as client:
            relays.add(await _relay_of(client))
    assert relays == {replica.name for replica in gateway.replicas["relay"]}


async def test_scripts_and_relays_do_not_see_the_cookie(gateway: Gateway) -> None:
    async with _newcomer(gateway) as client:
        first = await client.get(_POLL)
        second = await client.get(_POLL)
    assert first.headers["set-cookie"].startswith(f"{_COOKIE}=")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "set-cookie" not in second.headers
    assert "cookie" not in second.json()["headers"]


async def test_a_session_moves_on_when_its_relay_dies(gateway: Gateway) -> None:
    first, second = gateway.replicas["relay"]
    async with _newcomer(gateway) as client:
        home = await _relay_of(client)
        (dead,) = (relay for relay in (first, second) if relay.name == home)
        await dead.stop()
        relays = {await _relay_of(client) for _ in range(5)}
    assert relays == {first.name, second.name} - {home}


async def test_a_session_stays_with_its_relay_when_none_is_ready(gateway: Gateway) -> None:
    async with _newcomer(gateway) as client:
        home = await _relay_of(client)
        for relay in gateway.replicas["relay"]:
            relay.is_ready = False
        await gateway.sees("relay-ready", 0)
        relays = {await _relay_of(client) for _ in range(10)}
    assert relays == {home}


async def _begin(gateway: Gateway, session: str) -> httpx2.Response:
    """Begin a session as a client that keeps no cookies."""
    for relay in gateway.replicas["relay"]:
        relay.begins = session
    async with _newcomer(gateway) as client:
        answer = await client.get(_POLL)
    for relay in gateway.replicas["relay"]:
        relay.begins = ""
    return answer


async def _polled(gateway: Gateway, session: str, times: int = 10) -> set[str]:
    """Poll on connections of their own, without a cookie; returns who answered."""
    relays = set()
    for _ in range(times):
        async with _newcomer(gateway) as client:
            relays.add((await client.get(f"{_POLL}&sid={session}")).json()["name"])
    return relays


async def test_without_cookies_the_polls_of_a_session_reach_the_relay_that_began_it(gateway: Gateway) -> None:
    homes = {session: (await _begin(gateway, session)).json()["name"] for session in ("first", "second", "third")}
    assert len(set(homes.values())) == 2
    assert {session: await _polled(gateway, session) for session in homes} == {
        session: {home} for session, home in homes.items()
    }


async def test_clients_do_not_see_how_a_relay_names_a_session_to_the_gateway(gateway: Gateway) -> None:
    assert "x-sextant-session" not in (await _begin(gateway, "first")).headers


async def test_without_cookies_a_session_stays_with_its_relay_when_none_is_ready(gateway: Gateway) -> None:
    home = (await _begin(gateway, "first")).json()["name"]
    for relay in gateway.replicas["relay"]:
        relay.is_ready = False
    await gateway.sees("relay-ready", 0)
    assert await _polled(gateway, "first") == {home}


async def test_without_cookies_a_session_moves_on_when_its_relay_dies(gateway: Gateway) -> None:
    home = (await _begin(gateway, "first")).json()["name"]
    (dead,) = (relay for relay in gateway.replicas["relay"] if relay.name == home)
    await dead.stop()
    assert home not in await _polled(gateway, "first", times=5)


async def test_a_websocket_passes_in_both_directions(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket&sid=x HTTP/1.1\r\nHost: x\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    for message in (b"2probe", b"\x81\x80binary\x00"):
        writer.write(message)
        assert await reader.readexactly(len(message)) == message
    writer.close()
    await writer.wait_closed()
