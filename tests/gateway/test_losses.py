"""What clients notice when replicas are lost: as little as can be, and never a 5xx of the gateway's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Gateway, OpenGateway

_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


async def test_no_read_fails_when_a_replica_dies(gateway: Gateway) -> None:
    first, second = gateway.replicas["api"]
    await gateway.client.get("/api/version")
    await first.stop()
    answers = [await gateway.client.get("/api/version") for _ in range(20)]
    assert {(answer.status_code, answer.json()["name"]) for answer in answers} == {(200, second.name)}


async def test_no_write_fails_when_a_replica_was_dead_before_it_was_sent(gateway: Gateway) -> None:
    first, second = gateway.replicas["api"]
    await first.stop()
    answers = [await gateway.client.post("/api/task", json={}) for _ in range(20)]
    assert {(answer.status_code, answer.json()["name"]) for answer in answers} == {(200, second.name)}
    assert len(second.arrivals) == 20


async def test_a_read_that_died_with_its_replica_is_sent_to_another(gateway: Gateway) -> None:
    first, second = gateway.replicas["api"]
    first.deaths = second.deaths = 1
    answer = await gateway.client.get("/api/task/7")
    assert answer.status_code == 200
    assert sorted([len(first.arrivals), len(second.arrivals)]) == [1, 2]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_a_write_that_died_with_its_replica_is_not_sent_twice_and_loses_its_connection(
    gateway: Gateway, method: str
) -> None:
    for replica in gateway.replicas["api"]:
        replica.deaths = 1
    answer = await gateway.raw(f"{method} /api/run/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    assert answer == b""
    assert gateway.arrivals == 1


async def test_a_request_is_held_until_its_service_is_back(gateway: Gateway) -> None:
    first, second = gateway.replicas["api"]
    await first.stop()
    await second.stop()
    await gateway.sees("api-live", 0)
    held = asyncio.create_task(gateway.client.post("/api/task", json={}))
    others = await gateway.client.get("/api/user/1")
    assert (others.status_code, held.done()) == (200, False)
    await second.start()
    answer = await held
    assert (answer.status_code, answer.json()["name"]) == (200, second.name)
    assert len(second.arrivals) == 1


async def test_a_held_request_loses_its_connection_in_the_end(open_gateway: OpenGateway) -> None:
    async with open_gateway(hold_seconds=1) as gateway:
        for replica in gateway.replicas["api"]:
            await replica.stop()
        await gateway.sees("api-live", 0)
        with pytest.raises(httpx2.RemoteProtocolError):
            await gateway.client.get("/api/version")


async def test_a_held_browser_is_told_in_the_end(open_gateway: OpenGateway) -> None:
    async with open_gateway(hold_seconds=1) as gateway:
        for replica in gateway.replicas["api"]:
            await replica.stop()
        await gateway.sees("api-live", 0)
        answer = await gateway.client.get("/api/version", headers=_BROWSER)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {
        "msg": "The service cannot be reached at the moment. Please try again.",
        "code": "service_unavailable",
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_replica_that_is_not_ready_is_passed_over(gateway: Gateway) -> None:
    first, second = gateway.replicas["api"]
    first.is_ready = False
    await gateway.sees("api-ready", 1)
    answers = [await gateway.client.get("/api/version") for _ in range(6)]
    assert {answer.json()["name"] for answer in answers} == {second.name}


async def test_where_no_replica_is_ready_one_that_lives_says_itself_what_is_wrong(
    gateway: Gateway,
) -> None:
    for replica in gateway.replicas["api"]:
        replica.is_ready = False
    await gateway.sees("api-ready", 0)
    answer = await gateway.client.get("/api/version")
    assert (answer.status_code, answer.json()["service"]) == (503, "api")
