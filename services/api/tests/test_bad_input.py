"""Whatever comes in, the answer is JSON that says what is wrong, and never a 5xx for the caller's mistake."""

from typing import Any

import pytest

from services.api.tests.kit import Api
from sextant_api.models import organizations
from sextant_shared.contract.claims import TokenUse
from sextant_shared.testing.fakes import FakeAuth

JSON = {"Content-Type": "application/json"}
PATHS = ["organization", "collaboration", "study", "node"]


@pytest.mark.parametrize("resource", PATHS)
@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        (JSON, b"{", 400),
        (JSON, b"", 400),
        (JSON, b"[]", 400),
        (JSON, b"null", 400),
        (JSON, b'"text"', 400),
        (JSON, b"5", 400),
        (JSON, b"\xff\xfe", 400),
        (JSON, b'{"name": "\\ud800"}', 400),
        (JSON, b'{"name": "x", "\\ud800": 1}', 400),
        ({}, b"{}", 415),
        ({"Content-Type": "text/plain"}, b'{"name": "x"}', 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"name=x", 415),
    ],
)
async def test_a_body_that_is_no_object_in_json_is_refused(
    plain_api: Api, resource: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    token = plain_api.auth.token(plain_api.root)

    answer = await plain_api.http.request(
        "POST", f"/api/{resource}", content=content, headers={**headers, "Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == status
    assert {"msg", "code", "request_id"} <= answer.json().keys()
    assert await plain_api.count(organizations) == 1


@pytest.mark.parametrize("resource", PATHS)
async def test_each_kind_of_bad_token_gets_its_answer(plain_api: Api, resource: str) -> None:
    root = plain_api.root
    auth = plain_api.auth
    gone = auth.add_user(organization_id=1, role="Root")
    auth.remove(gone)
    expected: list[tuple[str | None, int, str]] = [
        (None, 401, "unauthenticated"),
        ("garbage", 422, "unreadable_token"),
        (FakeAuth().token(root), 422, "invalid_token"),
        (auth.token(root, lifetime_seconds=-3600), 401, "expired_token"),
        (auth.token(root, use=TokenUse.REFRESH), 422, "invalid_token"),
        (auth.token(gone), 401, "invalid_token"),
        (auth.service_token("relay"), 422, "invalid_token"),
    ]

    for token, status, code in expected:
        answer = await plain_api.get(f"/api/{resource}", token)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/organization"),
        ("DELETE", "/api/collaboration"),
        ("PATCH", "/api/node"),
        ("GET", "/api/study/1/organization"),
        ("POST", "/api/version"),
    ],
)
async def test_a_method_that_an_address_does_not_know_is_405(plain_api: Api, method: str, path: str) -> None:
    answer = await plain_api.call(method, path, plain_api.root)

    assert answer.status_code == 405
    assert {"msg", "message", "code", "request_id"} <= answer.json().keys()
    assert "allow" in answer.headers


@pytest.mark.parametrize("resource", PATHS)
async def test_an_absurd_page_is_answered_on_either_database(api: Api, resource: str) -> None:
    for query in (
        {"page": "2147483647", "per_page": "2147483647"},
        {"name": "\\%_"},
        {"organization_id": str(2**63 - 1)},
    ):
        answer = await api.get(f"/api/{resource}", api.root, **query)
        assert (answer.status_code, answer.json()["data"]) == (200, answer.json()["data"])
        assert answer.headers["access-control-expose-headers"] == "total-count, Link"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "organization_ids": [2**63 - 1], "encrypted": False},
        {"name": "😀" * 128, "organization_ids": [1], "encrypted": False},
    ],
)
async def test_what_is_only_just_allowed_is_stored_on_either_database(api: Api, body: dict[str, Any]) -> None:
    answer = await api.call("POST", "/api/collaboration", api.root, json=body)

    assert (answer.status_code, answer.json()["name"]) == (200, body["name"])


async def test_while_the_database_is_away_the_answer_is_503_and_says_when_to_come_back() -> None:
    away = Api("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", database_acquire_seconds=0.5)
    try:
        answer = await away.get("/api/organization", away.root)
    finally:
        await away.close()

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
