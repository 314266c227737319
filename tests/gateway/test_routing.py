"""Every path reaches the service that owns it, and the inside cannot be reached at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sextant_shared.contract import routing

from .local import GATEWAY_FOLDER

if TYPE_CHECKING:
    from .conftest import Gateway

_NEIGHBOURS = (
    "/api/users",
    "/api/tokens/user",
    "/api/rules",
    "/api/portal",
    "/api/vpnx",
    "/api/organization/1",
    "/api/recoveries/lost",
)


def test_the_map_of_routes_says_what_the_contract_says() -> None:
    lines = (GATEWAY_FOLDER / "routes.map").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    assert dict(rows) == {f"{prefix}/": service for prefix, service in routing.ROUTES}


async def test_every_path_reaches_the_service_that_owns_it(gateway: Gateway) -> None:
    paths = [prefix for prefix, _ in routing.ROUTES]
    paths += [f"{path}/7?page=1" for path in paths]
    paths += [f"{path}/" for path in paths if "?" not in path]
    paths += _NEIGHBOURS
    reached = {}
    for path in paths:
        reached[path] = (await gateway.client.get(path)).json()["service"]
    assert reached == {path: routing.service_for(path.partition("?")[0]) for path in paths}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/internal",
        "/internal/principals/user/1",
        "/metrics",
        "/livez",
        "/readyz",
        "/apis",
        "/socket.iox/",
        "//api/version",
        "/api/../internal/principals/user/1",
        "/api/./version",
        "/api/%2e%2e/internal",
        "/api/..%2finternal",
        "http://gateway/internal/principals/user/1",
    ],
)
async def test_what_is_not_public_does_not_exist(gateway: Gateway, path: str) -> None:
    answer = await gateway.raw(f"GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert gateway.arrivals == 0
