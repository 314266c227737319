"""What the gateway adds to requests and answers, and what it takes away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Gateway

_SAFETY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


async def test_a_request_without_an_id_gets_one_that_the_service_and_the_client_see(
    gateway: Gateway,
) -> None:
    answer = await gateway.client.get("/api/version")
    given = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", given)
    assert answer.json()["headers"]["x-request-id"] == given


async def test_a_clients_own_request_id_is_kept(gateway: Gateway) -> None:
    answer = await gateway.client.get("/api/version", headers={"X-Request-Id": "mine-1.a_B"})
    assert answer.headers["x-request-id"] == "mine-1.a_B"
    assert answer.json()["headers"]["x-request-id"] == "mine-1.a_B"


@pytest.mark.parametrize("unfit", ["", "two words", 'a"b', "x" * 65])
async def test_a_request_id_that_is_unfit_for_a_log_line_is_replaced(gateway: Gateway, unfit: str) -> None:
    answer = await gateway.client.get("/api/version", headers={"X-Request-Id": unfit})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.json()["headers"]["x-request-id"])


async def test_a_header_with_an_underscore_passes(gateway: Gateway) -> None:
    address = "https://server.example/api"
    answer = await gateway.client.get("/api/version", headers={"server_url": address})
    assert answer.json()["headers"]["server_url"] == address


async def test_what_a_client_claims_about_its_address_is_replaced(gateway: Gateway) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "for=203.0.113.9",
    }
    answer = await gateway.client.get("/api/version", headers=claims)
    headers = answer.json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == f"127.0.0.1:{gateway.port}"
    assert "forwarded" not in headers


@pytest.mark.parametrize("path", ["/api/version", "/nothing"])
async def test_every_answer_carries_the_safety_headers_and_no_server_name(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.get(path)
    assert {name: answer.headers.get(name) for name in _SAFETY} == _SAFETY
    assert "server" not in answer.headers
