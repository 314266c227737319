"""When the database or the broker is away: an honest answer in time, and work as before when it is back."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.testing.backing import BackingServers
from tests.shapes import Shape, distributed_shape

PATIENCE_SECONDS = 30
LONGEST_ANSWER_SECONDS = 15


@pytest.fixture(scope="module")
def suite(backing_servers: BackingServers) -> Iterator[Shape]:
    with distributed_shape(backing_servers, replicas={AUTH: 1, API: 1, RELAY: 1}) as running:
        yield running


@pytest.fixture
def http(suite: Shape) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{suite.url}/api", timeout=LONGEST_ANSWER_SECONDS) as client:
        login = client.post("/token/user", json={"username": "root", "password": suite.root_password})
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        client.get("/organization").raise_for_status()
        yield client


def until_well(http: httpx2.Client, path: str) -> httpx2.Response:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = http.get(path)
        except httpx2.TransportError:
            answer = None
        if answer is not None and answer.is_success:
            return answer
        assert time.monotonic() < deadline, f"{path} does not recover: {answer and answer.text}"
        time.sleep(0.1)


def test_without_its_database_a_service_says_so_and_recovers_without_a_restart(
    backing_servers: BackingServers, http: httpx2.Client
) -> None:
    with backing_servers.postgres.down():
        answers = [
            http.get("/organization"),
            http.post("/organization", json={"name": "never"}),
            http.post("/token/user", json={"username": "root", "password": "x"}),
        ]

    assert [503] * len(answers) == [answer.status_code for answer in answers]
    assert all(int(answer.headers["retry-after"]) > 0 and answer.json()["msg"] for answer in answers)
    names = [organization["name"] for organization in until_well(http, "/organization?per_page=100").json()["data"]]
    assert "never" not in names


def test_without_its_broker_the_api_goes_on(backing_servers: BackingServers, http: httpx2.Client) -> None:
    with backing_servers.rabbitmq.down():
        made = http.post("/organization", json={"name": "made without a broker"})
        read = http.get(f"/organization/{made.json()['id']}")

    assert (201, 200) == (made.status_code, read.status_code)
