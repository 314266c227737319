"""What happens around every request: its id, the limit on its body, its count."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import Request
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from sextant_shared.http.middleware import BodyLimit
from sextant_shared.http.service import make_app, wrap_app
from sextant_shared.settings import HttpSettings

_LIMIT = 2048

app = make_app(title="test", description="")


@app.get("/request-id")
async def request_id() -> dict[str, Any]:
    return {"bound": structlog.contextvars.get_contextvars().get("request_id")}


@app.post("/size")
async def size(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@app.post("/json")
async def json(body: dict[str, Any]) -> dict[str, int]:
    return {"members": len(body)}


@app.post("/unread")
async def unread() -> dict[str, str]:
    return {"read": "nothing"}


@app.get("/thing/{thing_id}")
async def thing(thing_id: int) -> dict[str, int]:
    return {"id": thing_id}


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    settings = HttpSettings(max_body_bytes=_LIMIT)
    transport = httpx2.ASGITransport(wrap_app(app, settings, service="middleware-test"), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


# -- request ids -----------------------------------------------------------------------------------


async def test_each_request_gets_an_id_of_its_own(http: httpx2.AsyncClient) -> None:
    first, second = [await http.get("/request-id") for _ in range(2)]

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.json()["bound"] == first.headers["x-request-id"]


@pytest.mark.parametrize("given", ["12345678", "a1b2-c3d4_e5f6.g7:h8", "x" * 128])
async def test_an_id_that_the_client_gives_is_kept(http: httpx2.AsyncClient, given: str) -> None:
    answer = await http.get("/request-id", headers={"X-Request-ID": given})

    assert (answer.headers["x-request-id"], answer.json()["bound"]) == (given, given)


@pytest.mark.parametrize("given", ["", "short", "x" * 129, "with space", "new\x0bline1", "<script>", 'a"b"c"d"e"'])
async def test_an_id_that_does_not_belong_into_a_log_is_replaced(http: httpx2.AsyncClient, given: str) -> None:
    answer = await http.get("/request-id", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 36


async def test_the_id_does_not_outlive_the_request(http: httpx2.AsyncClient) -> None:
    await http.get("/request-id")

    assert "request_id" not in structlog.contextvars.get_contextvars()


# -- the limit on bodies ---------------------------------------------------------------------------


async def chunks(total: int) -> AsyncIterator[bytes]:
    for start in range(0, total, 500):
        yield b" " * min(500, total - start)


@pytest.mark.parametrize("path", ["/size", "/json", "/unread"])
async def test_a_body_that_announces_too_much_is_refused(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.post(path, content=b" " * (_LIMIT + 1), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/size", "/json"])
async def test_a_body_that_announces_nothing_is_refused_once_it_is_too_large(
    http: httpx2.AsyncClient, path: str
) -> None:
    answer = await http.post(path, content=chunks(_LIMIT + 1), headers={"content-type": "application/json"})

    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_a_body_may_be_as_large_as_the_limit(http: httpx2.AsyncClient, *, chunked: bool) -> None:
    answer = await http.post("/size", content=chunks(_LIMIT) if chunked else b" " * _LIMIT)

    assert answer.json() == {"bytes": _LIMIT}


async def test_a_path_may_have_a_limit_of_its_own() -> None:
    asgi = wrap_app(
        app, HttpSettings(max_body_bytes=_LIMIT), service="middleware-test", body_limits={"/size": 2 * _LIMIT}
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(asgi), base_url="http://test") as http:
        answers = [
            (await http.post(path, content=b" " * length)).status_code
            for path, length in (
                ("/size", 2 * _LIMIT),
                ("/size", 2 * _LIMIT + 1),
                ("/unread", _LIMIT),
                ("/unread", _LIMIT + 1),
            )
        ]

    assert answers == [200, 413, 200, 413]


async def test_an_application_that_ignores_the_refusal_cannot_answer_over_it() -> None:
    sent: list[Message] = []

    async def stubborn(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all is well"})

    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * 500, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(stubborn, max_bytes=1000)({"type": "http", "headers": []}, receive, send)

    assert [message.get("status") for message in sent] == [413, None]


# -- counting --------------------------------------------------------------------------------------


def counted(route: str, status: str) -> float:
    labels = {"service": "middleware-test", "method": "GET", "route": route, "status": status}
    return REGISTRY.get_sample_value("sextant_http_requests_total", labels) or 0


async def test_requests_are_counted_by_route_and_not_by_address(http: httpx2.AsyncClient) -> None:
    before = counted("/thing/{thing_id}", "200")

    for number in range(3):
        await http.get(f"/thing/{number}")

    assert counted("/thing/{thing_id}", "200") == before + 3


async def test_addresses_without_a_route_share_one_series(http: httpx2.AsyncClient) -> None:
    before = counted("(none)", "404")

    for number in range(3):
        await http.get(f"/guess-{number}")

    assert counted("(none)", "404") == before + 3


# -- HEAD ------------------------------------------------------------------------------------------


async def test_head_has_the_headers_of_get_and_no_body(http: httpx2.AsyncClient) -> None:
    asked, headed = await http.get("/thing/1"), await http.head("/thing/1")

    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == asked.headers["content-length"]


async def test_head_is_unknown_where_get_is(http: httpx2.AsyncClient) -> None:
    assert (await http.head("/size")).status_code == 405


async def test_head_is_counted_at_its_route(http: httpx2.AsyncClient) -> None:
    labels = {"service": "middleware-test", "method": "HEAD", "route": "/thing/{thing_id}", "status": "200"}
    before = REGISTRY.get_sample_value("sextant_http_requests_total", labels) or 0.0

    await http.head("/thing/1")

    assert REGISTRY.get_sample_value("sextant_http_requests_total", labels) == before + 1
