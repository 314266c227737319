"""What vpn-registry answers where there is no VPN, to whom."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from sextant_shared.http.access import declared_routes, undeclared_routes
from sextant_shared.http.service import Service
from sextant_shared.messaging import InProcessBus
from sextant_shared.testing.fakes import FakeAuth
from sextant_vpn_registry.app import create_service
from sextant_vpn_registry.settings import VpnRegistrySettings

ROUTES = 7
"""Four public ones and three for operators; one that vanishes should be noticed."""


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
async def service(auth: FakeAuth) -> AsyncIterator[Service]:
    made = create_service(
        VpnRegistrySettings(client_secret=SecretStr("secret")), bus=InProcessBus(), network=auth.network()
    )
    yield made
    for close in made.close:
        await close()


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(service.asgi)
    async with httpx2.AsyncClient(transport=transport, base_url="http://vpn-registry/api") as client:
        yield client


@pytest.fixture
def node(auth: FakeAuth) -> dict[str, str]:
    made = auth.add_node(5, organization_id=1, collaboration_id=2)
    return {"Authorization": f"Bearer {auth.token(made)}"}


@pytest.fixture
def container(auth: FakeAuth) -> dict[str, str]:
    made = auth.add_node(5, organization_id=1, collaboration_id=2)
    return {"Authorization": f"Bearer {auth.container_token(made, task_id=9, image='image')}"}


@pytest.fixture
def user(auth: FakeAuth) -> dict[str, str]:
    return {"Authorization": f"Bearer {auth.token(auth.add_user(organization_id=1, role='Root'))}"}


def test_every_route_declares_who_may_call_it(service: Service) -> None:
    assert undeclared_routes(service.app) == []
    assert len(declared_routes(service.app)) == ROUTES


async def test_releasing_the_ports_of_a_run_succeeds_because_every_node_does_it_for_every_run(
    http: httpx2.AsyncClient, node: dict[str, str]
) -> None:
    answer = await http.delete("/port", params={"run_id": 17}, headers=node)

    assert answer.status_code == 200
    assert "msg" in answer.json()


@pytest.mark.parametrize("run_id", ["abc", "", "-1", None])
async def test_a_run_id_that_is_none_is_a_bad_request(
    http: httpx2.AsyncClient, node: dict[str, str], run_id: str | None
) -> None:
    answer = await http.delete("/port", params={"run_id": run_id} if run_id is not None else {}, headers=node)

    assert answer.status_code == 400
    assert "run_id" in answer.json()["errors"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/vpn"), ("POST", "/port")])
async def test_what_needs_a_vpn_is_not_configured(
    http: httpx2.AsyncClient, node: dict[str, str], method: str, path: str
) -> None:
    answer = await http.request(method, path, headers=node, json={} if method == "POST" else None)

    assert (answer.status_code, answer.json()["code"]) == (501, "not_configured")


async def test_a_container_finds_no_addresses(http: httpx2.AsyncClient, container: dict[str, str]) -> None:
    answer = await http.get("/vpn/algorithm/addresses", params={"only_children": 1}, headers=container)

    assert (answer.status_code, answer.json()) == (200, {"addresses": []})


@pytest.mark.parametrize(("method", "path"), [("GET", "/vpn"), ("POST", "/port"), ("DELETE", "/port?run_id=1")])
async def test_only_nodes_ask_for_profiles_and_ports(
    http: httpx2.AsyncClient, user: dict[str, str], container: dict[str, str], method: str, path: str
) -> None:
    statuses = [(await http.request(method, path, headers=headers)).status_code for headers in (user, container, {})]

    assert statuses == [403, 403, 401]


async def test_there_is_no_list_of_ports(http: httpx2.AsyncClient, node: dict[str, str]) -> None:
    answer = await http.get("/port", headers=node)

    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, OPTIONS, POST")
