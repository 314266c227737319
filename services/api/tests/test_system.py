"""What api says about itself, and to whom."""

from collections.abc import AsyncIterator

import pytest
from fastapi.routing import iter_route_contexts

from services.api.tests.kit import Api
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.http.access import undeclared_routes

ORIGIN = "https://ui.example"


@pytest.fixture
async def open_api(database_url: str) -> AsyncIterator[Api]:
    """An api that lets a web page of another origin in."""
    running = Api(database_url, cors_origins=[ORIGIN])
    yield running
    await running.close()


def test_every_route_says_who_may_call_it(api: Api) -> None:
    assert undeclared_routes(api.service.app) == []


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/version", {"GET"}),
        ("/api/health", {"GET"}),
        ("/robots.txt", {"GET"}),
        ("/api/organization", {"GET", "POST"}),
        ("/api/organization/{organization_id}", {"GET", "PATCH", "DELETE"}),
        ("/api/collaboration", {"GET", "POST"}),
        ("/api/collaboration/{collaboration_id}", {"GET", "PATCH", "DELETE"}),
        ("/api/collaboration/{collaboration_id}/organization", {"POST", "DELETE"}),
        ("/api/collaboration/{collaboration_id}/node", {"POST", "DELETE"}),
        ("/api/study", {"GET", "POST"}),
        ("/api/study/{study_id}", {"GET", "PATCH", "DELETE"}),
        ("/api/study/{study_id}/organization", {"POST", "DELETE"}),
        ("/api/node", {"GET", "POST"}),
        ("/api/node/{node_id}", {"GET", "PATCH", "DELETE"}),
        ("/api/algorithmstore", {"GET", "POST"}),
        ("/api/algorithmstore/{store_id}", {"GET", "PATCH", "DELETE"}),
        ("/api/column", {"POST"}),
        ("/api/blobstream", {"POST"}),
        ("/api/blobstream/status", {"GET"}),
        ("/api/blobstream/{blob_id}", {"GET"}),
        ("/internal/organizations/{organization_id}", {"GET"}),
        ("/internal/collaborations", {"GET"}),
        ("/internal/users/{user_id}/tasks", {"GET", "DELETE"}),
        ("/livez", {"GET"}),
        ("/readyz", {"GET"}),
        ("/metrics", {"GET"}),
    ],
)
def test_no_route_gets_lost(plain_api: Api, path: str, methods: set[str]) -> None:
    found = {
        method
        for route in iter_route_contexts(plain_api.service.app.routes)
        if route.path == path
        for method in route.methods or ()
    }

    assert found == methods


async def test_it_says_which_wire_it_speaks(api: Api) -> None:
    answer = await api.get("/api/version")

    assert (answer.status_code, answer.json()) == (200, {"version": "4.15.2"})


async def test_health_tells_of_the_database(api: Api) -> None:
    answer = await api.get("/api/health")

    assert (answer.status_code, answer.json()) == (200, {"database": True})


async def test_health_is_503_when_the_database_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise UnavailableError("away")

    monkeypatch.setattr(api.db, "ping", away)

    answer = await api.get("/api/health")

    assert (answer.status_code, answer.json()) == (503, {"database": False})
    assert answer.headers["retry-after"] == "2"


async def test_crawlers_are_kept_out(api: Api) -> None:
    answer = await api.get("/robots.txt")

    assert answer.text.splitlines() == ["User-agent: *", "Disallow: /"]


async def test_a_path_that_is_not_there_is_told_in_json(api: Api) -> None:
    answer = await api.get("/api/nothing")

    assert answer.status_code == 404
    assert {"msg", "code", "request_id"} <= answer.json().keys()


async def test_web_pages_of_a_configured_origin_may_read_answers_and_refusals(open_api: Api) -> None:
    preflight = await open_api.call(
        "OPTIONS",
        "/api/organization",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    refusal = await open_api.call("GET", "/api/organization", headers={"Origin": ORIGIN})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-headers"] == "authorization"
    assert refusal.status_code == 401
    for answer in (preflight, refusal):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert "total-count" in refusal.headers["access-control-expose-headers"]


async def test_web_pages_of_other_origins_may_not(open_api: Api, api: Api) -> None:
    for service in (open_api, api):
        answer = await service.call("GET", "/api/version", headers={"Origin": "https://evil.example"})

        assert "access-control-allow-origin" not in answer.headers
