"""The client library that nodes use reaches real relays, also where it keeps no cookies."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import socketio

from sextant_shared.testing.processes import free_port

from .local import local_gateway_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sextant_shared.testing.backing import BackingServers

_NAMESPACE = "/tasks"
_CLIENTS = 8
_NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def two_relays(backing_servers: BackingServers, tmp_path: Path) -> Iterator[str]:
    """Run two relays behind a gateway, and nothing else: they accept sockets, and wait for auth to judge them."""
    port, inside = free_port(), free_port()
    relays = [free_port(), free_port()]
    env = {
        "SEXTANT_CLIENT_SECRET": "secret",
        "SEXTANT_BROKER_URL": "amqp://nobody@127.0.0.1:9/",
        "SEXTANT_AUTH_URL": _NOWHERE,
        "SEXTANT_API_URL": _NOWHERE,
        "SEXTANT_ISOLATION_SECONDS": "600",
    }
    with ExitStack() as stack:
        for each in relays:
            process = stack.enter_context(
                backing_servers.processes.spawn(
                    [sys.executable, "-m", "sextant_relay"],
                    name=f"relay-{each}",
                    env=env | {"SEXTANT_PORT": str(each)},
                )
            )
            process.wait_for_port(each)
        files = local_gateway_config(tmp_path, listen=port, inside=inside, auth=[9], api=[9], relay=relays, vpn=[9])
        config = "".join(file.read_text() for file in files)
        stack.enter_context(backing_servers.haproxy(config, ports=[port, inside]))
        yield f"http://127.0.0.1:{port}"


async def _connect(stack: AsyncExitStack, url: str, jar: aiohttp.abc.AbstractCookieJar) -> dict[str, Any]:
    """Poll until the namespace is entered and an event was sent; gives what the server said about the session."""
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
    client = socketio.AsyncClient(http_session=session, reconnection=False)
    await client.connect(url, namespaces=[_NAMESPACE], transports=["polling"], wait_timeout=10)
    stack.push_async_callback(client.disconnect)
    for _ in range(5):
        await client.emit("ping", namespace=_NAMESPACE)
    return {"connected": client.connected, "namespaces": set(client.namespaces), "transport": client.transport()}


async def test_polling_clients_without_cookies_stay_with_the_relay_of_their_session(two_relays: str) -> None:
    async with AsyncExitStack() as stack:
        seen = [await _connect(stack, two_relays, aiohttp.DummyCookieJar()) for _ in range(_CLIENTS)]
    assert seen == [{"connected": True, "namespaces": {_NAMESPACE}, "transport": "polling"}] * _CLIENTS
