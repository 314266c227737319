"""Whatever the gateway says in its own name is JSON that the official client can read."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
import requests

from .conftest import MAX_BODY
from .local import GATEWAY_FOLDER

if TYPE_CHECKING:
    from .conftest import Gateway

_COMPOSED = re.compile(
    r"(?:http-error|http-request return) status (\d+) content-type application/json lf-string '(.*?)'"
)


def _content(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    content = json.loads(body)
    assert isinstance(content, dict)
    return content


async def test_an_unknown_path_is_refused_in_json(gateway: Gateway) -> None:
    answer = await gateway.client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "msg": "There is nothing at this address.",
        "code": "not_found",
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_method_that_only_echoes_is_refused_in_json(gateway: Gateway) -> None:
    answer = await gateway.client.request("TRACE", "/api/version")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert gateway.arrivals == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"this is not HTTP\r\n\r\n",
        b"GET /api/version HTTP/1.1\r\nbroken header\r\n\r\n",
    ],
    ids=["no HTTP", "broken header"],
)
async def test_a_malformed_request_is_refused(gateway: Gateway, request_bytes: bytes) -> None:
    answer = await gateway.raw(request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert gateway.arrivals == 0


async def test_headers_that_are_too_large_are_refused_in_json(gateway: Gateway) -> None:
    answer = await gateway.client.get("/api/version", headers={"Authorization": "x" * 50_000})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert gateway.arrivals == 0


async def test_a_long_token_passes(gateway: Gateway) -> None:
    token = "Bearer " + "x" * 40_000
    answer = await gateway.client.get("/api/version", headers={"Authorization": token})
    assert answer.json()["headers"]["authorization"] == token


async def test_a_body_of_the_allowed_size_passes(gateway: Gateway) -> None:
    await gateway.client.post("/api/task", content=b"x" * MAX_BODY)
    bodies = [len(each.body) for replica in gateway.replicas["api"] for each in replica.arrivals]
    assert bodies == [MAX_BODY]


async def test_a_body_that_is_too_large_is_refused_in_json(gateway: Gateway) -> None:
    answer = await gateway.client.post("/api/task", content=b"x" * (MAX_BODY + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert str(MAX_BODY) in answer.json()["msg"]
    assert gateway.arrivals == 0


async def test_a_large_payload_passes_and_its_size_is_for_api_to_judge(gateway: Gateway) -> None:
    content = b"x" * (3 * MAX_BODY)
    passed = await gateway.client.post("/api/blobstream", content=content)
    elsewhere = await gateway.client.post("/api/blobstream/x", content=content)
    bodies = [each.body for replica in gateway.replicas["api"] for each in replica.arrivals]
    assert (passed.status_code, elsewhere.status_code) == (200, 413)
    assert bodies == [content]


async def test_the_official_clients_http_library_hears_that_its_body_is_too_large(
    gateway: Gateway,
) -> None:
    answer = await asyncio.to_thread(requests.post, f"{gateway.url}/api/task", data=b"x" * 20 * MAX_BODY, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("status", [400, 408, 500])
def test_a_fixed_error_is_a_complete_json_answer(status: int) -> None:
    raw = (GATEWAY_FOLDER / "errors" / f"{status}.http").read_bytes()
    assert raw.startswith(f"HTTP/1.1 {status} ".encode())
    content = _content(raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert content.keys() == {"msg", "code", "request_id"}


def test_every_composed_error_is_json_with_a_message() -> None:
    config = (GATEWAY_FOLDER / "haproxy.cfg").read_text()
    contents = {status: json.loads(text) for status, text in _COMPOSED.findall(config)}
    assert contents.keys() == {"403", "404", "405", "429", "502", "503", "504"}
    assert all(content.keys() == {"msg", "code", "request_id"} for content in contents.values())
