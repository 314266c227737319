"""The front sends each path to its owner, as the gateway does."""

from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sextant_shared.contract.routing import SERVICES
from sextant_standalone.front import Front


def naming(name: str) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


FRONT = Front({service: naming(service) for service in SERVICES})


async def get(path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(FRONT), base_url="http://front") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/api/token/user", "auth"),
        ("/api/user", "auth"),
        ("/api/users", "api"),
        ("/api/task/1/status", "api"),
        ("/api/vpn/algorithm/addresses", "vpn-registry"),
        ("/api/port", "vpn-registry"),
        ("/socket.io/", "relay"),
        ("/.well-known/jwks.json", "auth"),
        ("/robots.txt", "api"),
    ],
)
async def test_a_path_reaches_its_owner(path: str, owner: str) -> None:
    assert owner == (await get(path)).text


@pytest.mark.parametrize("path", ["/internal/principals/user/1", "/metrics", "/livez", "/readyz", "/", "/apis"])
async def test_what_is_for_the_inside_or_for_nobody_is_not_found(path: str) -> None:
    answer = await get(path)

    assert answer.status_code == 404
    assert {"msg", "code", "request_id"} <= answer.json().keys()


async def test_a_websocket_that_nobody_owns_is_closed() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await FRONT({"type": "websocket", "path": "/elsewhere"}, receive, send)

    assert sent == [{"type": "websocket.close"}]
