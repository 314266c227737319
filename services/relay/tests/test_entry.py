"""The way in: who may come from where, and what is beside the sockets."""

import httpx2
import pytest

from services.relay.tests.kit import Relay, Stage
from sextant_shared.http.access import declared_routes, undeclared_routes

POLL = "/socket.io/?EIO=4&transport=polling"
UI = "https://ui.example"


@pytest.mark.parametrize("origin", [UI, None])
async def test_configured_origins_and_programs_may_come_in(stage: Stage, origin: str | None) -> None:
    async with stage.relay(cors_origins=[UI]) as relay, httpx2.AsyncClient(base_url=relay.url) as client:
        answer = await client.get(POLL, headers={} if origin is None else {"Origin": origin})
    assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (200, origin)
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io"])
async def test_a_page_may_ask_before_it_sends_its_token(stage: Stage, path: str) -> None:
    async with stage.relay(cors_origins=[UI]) as relay, httpx2.AsyncClient(base_url=relay.url) as client:
        answer = await client.options(
            f"{path}?EIO=4&transport=polling",
            headers={
                "Origin": UI,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization",
            },
        )
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, UI)
    assert answer.headers["access-control-allow-headers"] == "authorization"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_pages_from_elsewhere_may_not_come_in(relay: Relay, method: str) -> None:
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        answer = await client.request(method, POLL, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (400, False)


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
async def test_a_page_of_our_own_name_may_come_in(relay: Relay, header: str) -> None:
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        answer = await client.get(POLL, headers={"Origin": "https://sextant.example", header: "sextant.example"})
    assert answer.status_code == 200


async def test_a_program_with_a_token_may_come_in_under_any_name(stage: Stage, relay: Relay) -> None:
    node = stage.node(7, organization_id=2, collaboration_id=3)
    headers = {"Origin": "http://inside:8080", "Authorization": f"Bearer {stage.auth.token(node)}"}
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        assert (await client.get(POLL, headers=headers)).status_code == 200


async def test_a_session_is_told_how_often_it_is_pinged(relay: Relay) -> None:
    async with relay.session(None) as session:
        assert session.opened | {"sid": ""} == {
            "sid": "",
            "upgrades": ["websocket"],
            "pingTimeout": 25000,
            "pingInterval": 15000,
            "maxPayload": 1_000_000,
        }


async def test_everything_else_is_answered_in_json(relay: Relay) -> None:
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        answers = [await client.get(path) for path in ("/", "/socket.iox/", "/api/version")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "not_found")] * 3


async def test_every_route_says_who_may_call_it(relay: Relay) -> None:
    assert undeclared_routes(relay.service.app) == []
    assert declared_routes(relay.service.app).keys() == {"GET /livez", "GET /readyz", "GET /metrics"}


async def test_metrics_tell_of_connections(stage: Stage, relay: Relay) -> None:
    node = stage.node(7, organization_id=2, collaboration_id=3)
    ear = await relay.ear().connect(stage.auth.token(node))
    await ear.until("sync")
    async with httpx2.AsyncClient(base_url=relay.url) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    assert 'sextant_relay_connections{kind="node"} 1.0' in lines
    assert "sextant_relay_rooms 4.0" in lines
