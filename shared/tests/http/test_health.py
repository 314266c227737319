"""What orchestrators ask a service."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.http import health
from sextant_shared.http.service import make_app, wrap_app
from sextant_shared.settings import HttpSettings


class Dependency:
    """Something that a service needs."""

    def __init__(self) -> None:
        self.lost = False
        self.silent = False

    async def ping(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.lost:
            raise UnavailableError("It is away")


@pytest.fixture
def database() -> Dependency:
    return Dependency()


@pytest.fixture
async def http(database: Dependency) -> AsyncIterator[httpx2.AsyncClient]:
    app = make_app(title="test", description="")
    app.include_router(health.health_router({"database": database.ping, "broker": Dependency().ping}))
    transport = httpx2.ASGITransport(wrap_app(app, HttpSettings(), service="health-test"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


async def test_a_service_is_ready_when_all_it_needs_is_there(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": True, "broker": True}}


@pytest.mark.parametrize("how", ["lost", "silent"])
async def test_a_service_is_not_ready_but_alive_while_something_is_away(
    http: httpx2.AsyncClient, database: Dependency, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(health, "_PING_SECONDS", 0.01)
    setattr(database, how, True)

    ready, alive = await http.get("/readyz"), await http.get("/livez")

    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": False, "broker": True})
    assert alive.status_code == 200


async def test_metrics_are_told_in_the_form_that_prometheus_reads(http: httpx2.AsyncClient) -> None:
    await http.get("/livez")

    answer = await http.get("/metrics")

    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    assert {sample.labels["route"] for sample in samples if sample.labels.get("service") == "health-test"} >= {"/livez"}
