"""Whatever goes wrong, the client gets JSON with a sentence, a code and the id of its request."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from sextant_shared.contract.errors import (
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    SextantError,
    TooManyRequestsError,
    UnavailableError,
    ValidationFailedError,
    WrongPrincipalError,
)
from sextant_shared.http.service import make_app, wrap_app
from sextant_shared.settings import HttpSettings

_DETAIL = "host=10.1.2.3 password=hunter2"


class Thing(BaseModel):
    name: str
    count: int = 0
    parts: list[int] = []


app = make_app(title="test", description="")


@app.get("/thing")
async def list_things(limit: int = 0) -> dict[str, int]:
    return {"limit": limit}


@app.post("/thing")
async def make_thing(thing: Thing) -> dict[str, str]:
    return {"name": thing.name}


@app.get("/thing/{thing_id}")
async def get_thing(thing_id: int) -> dict[str, int]:
    return {"id": thing_id}


@app.delete("/thing/{thing_id}")
async def delete_thing(thing_id: int) -> dict[str, int]:
    return {"id": thing_id}


@app.get("/raise/{name}")
async def fail(name: str) -> None:
    raise RAISED[name]


RAISED: dict[str, BaseException] = {
    "crash": RuntimeError(_DETAIL),
    "timeout": TimeoutError(_DETAIL),
    "connection": ConnectionRefusedError(_DETAIL),
    "bad-request": BadRequestError("No."),
    "validation": ValidationFailedError({"name": ["Is taken"]}),
    "denied": PermissionDeniedError("No."),
    "wrong-principal": WrongPrincipalError("No."),
    "not-found": NotFoundError("No."),
    "too-many": TooManyRequestsError("No.", headers={"Retry-After": "60"}),
    "unavailable": UnavailableError("No.", retry_after_seconds=7),
    "own": SextantError("No.", extra={"colour": "blue"}),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(wrap_app(app, HttpSettings(), service="test"), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


def told(answer: httpx2.Response) -> tuple[int, str]:
    """Check the form that every error has, and return its status and code."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body["msg"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["code"]


JSON = {"content-type": "application/json"}


# -- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"{", b"{'name': 'a'}", b"name", b'{"name": "a"} x', b'{"name": "\n"}'])
async def test_a_body_that_is_no_json_is_refused(http: httpx2.AsyncClient, content: bytes) -> None:
    answer = await http.post("/thing", content=content, headers=JSON)

    assert told(answer) == (400, "malformed_json")
    assert answer.json()["message"] == answer.json()["msg"]


@pytest.mark.parametrize("content", [b'{"name": "\xff"}', b"[" * 100_000], ids=["no UTF-8", "too deep"])
async def test_a_body_that_cannot_be_read_is_refused(http: httpx2.AsyncClient, content: bytes) -> None:
    answer = await http.post("/thing", content=content, headers=JSON)

    assert told(answer) == (400, "unreadable_body")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"name": "a"}', None),
        (b'{"name": "a"}', "text/plain"),
        (b"name=a", "application/x-www-form-urlencoded"),
        (b'{"name": "a"}', "application/jsonp"),
        (b"", None),
    ],
)
async def test_a_body_must_say_that_it_is_json(
    http: httpx2.AsyncClient, content: bytes, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}

    answer = await http.post("/thing", content=content, headers=headers)

    assert told(answer) == (415, "no_json")
    assert answer.json()["message"] == answer.json()["msg"]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_said_in_several_ways(http: httpx2.AsyncClient, content_type: str) -> None:
    answer = await http.post("/thing", content=b'{"name": "a"}', headers={"content-type": content_type})

    assert (answer.status_code, answer.json()) == (200, {"name": "a"})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name"}),
        ({"name": 7}, {"name"}),
        ({"name": None, "count": "many"}, {"name", "count"}),
        ({"name": "a", "parts": [1, "x"]}, {"parts"}),
        ([], {"_schema"}),
        (7, {"_schema"}),
    ],
)
async def test_wrong_types_are_named_field_by_field(http: httpx2.AsyncClient, body: Any, fields: set[str]) -> None:
    answer = await http.post("/thing", content=httpx2.Request("POST", "http://x", json=body).content, headers=JSON)

    assert told(answer) == (400, "validation_failed")
    assert set(answer.json()["errors"]) == fields
    assert all(answer.json()["errors"].values())


async def test_items_of_a_list_are_named_by_their_place(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/thing", json={"name": "a", "parts": [1, "x", 2, "y"]})

    assert set(answer.json()["errors"]["parts"]) == {"1", "3"}


async def test_an_empty_body_is_no_json(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/thing", content=b"", headers=JSON)

    assert told(answer) == (400, "malformed_json")


async def test_a_body_that_says_null_lacks_everything(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/thing", content=b"null", headers=JSON)

    assert told(answer) == (400, "validation_failed")
    assert set(answer.json()["errors"]) == {"_schema"}


async def test_a_query_that_does_not_fit_is_named(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/thing?limit=many")

    assert told(answer) == (400, "validation_failed")
    assert set(answer.json()["errors"]) == {"limit"}


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nothing", "/thing/", "/thing/1/more", "/docs", "/openapi.json"])
async def test_an_unknown_address_is_not_found(http: httpx2.AsyncClient, path: str) -> None:
    assert told(await http.get(path)) == (404, "not_found")


@pytest.mark.parametrize("thing_id", ["x", "1.5", "%20", "1e3", "0x1"])
async def test_an_id_that_is_no_number_is_not_found(http: httpx2.AsyncClient, thing_id: str) -> None:
    assert told(await http.get(f"/thing/{thing_id}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/thing", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", "/thing/1", {"DELETE", "GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_a_method_that_an_address_does_not_know_is_told_with_those_that_it_does(
    http: httpx2.AsyncClient, method: str, path: str, allow: set[str]
) -> None:
    answer = await http.request(method, path)

    assert told(answer) == (405, "method_not_allowed")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allow
    assert answer.json()["message"] == answer.json()["msg"]


async def test_options_tells_what_may_be_done_at_an_address(http: httpx2.AsyncClient) -> None:
    answer = await http.options("/thing/1")

    assert (answer.status_code, answer.content) == (200, b"")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"DELETE", "GET", "HEAD", "OPTIONS"}


async def test_options_of_an_unknown_address_is_not_found(http: httpx2.AsyncClient) -> None:
    assert told(await http.options("/nothing")) == (404, "not_found")


# -- what the application raises -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bad-request", 400, "bad_request"),
        ("validation", 400, "validation_failed"),
        ("denied", 401, "permission_denied"),
        ("wrong-principal", 403, "wrong_principal"),
        ("not-found", 404, "not_found"),
        ("too-many", 429, "too_many_requests"),
        ("unavailable", 503, "unavailable"),
        ("own", 500, "internal_error"),
    ],
)
async def test_an_error_of_ours_says_its_status_and_code(
    http: httpx2.AsyncClient, name: str, status: int, code: str
) -> None:
    assert told(await http.get(f"/raise/{name}")) == (status, code)


async def test_an_error_may_bring_headers_and_members(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/raise/too-many")).headers["retry-after"] == "60"
    assert (await http.get("/raise/unavailable")).headers["retry-after"] == "7"
    assert (await http.get("/raise/validation")).json()["errors"] == {"name": ["Is taken"]}
    assert (await http.get("/raise/own")).json()["colour"] == "blue"


async def test_what_nobody_foresaw_is_told_without_detail(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/raise/crash")

    assert told(answer) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", ["timeout", "connection"])
async def test_something_that_was_away_is_told_as_such(http: httpx2.AsyncClient, name: str) -> None:
    answer = await http.get(f"/raise/{name}")

    assert told(answer) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("name", ["timeout", "connection"])
async def test_something_that_was_away_is_no_crash_for_the_web_server(name: str) -> None:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get(f"/raise/{name}")).status_code == 503
