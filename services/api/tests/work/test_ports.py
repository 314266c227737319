"""The ports that runs show: what vpn-registry says of them, kept beside the runs."""

from typing import Any

import httpx2
import pytest

from services.api.tests.work.world import World
from sextant_api.models import run_port_numbers, run_ports
from sextant_shared.clock import SystemClock
from sextant_shared.contract.events import NodeAddressChanged, PortsChanged, RunPort
from sextant_shared.contract.routing import AUTH, VPN_REGISTRY
from sextant_shared.ids import new_id

WEB = RunPort(id=1, port=8080, label="web")
PLAIN = RunPort(id=2, port=8888, label=None)


def ports(run: dict[str, Any], revision: int, *listening: RunPort) -> PortsChanged:
    return PortsChanged(run_id=run["id"], collaboration_id=1, revision=revision, ports=list(listening))


async def hear(world: World, change: PortsChanged) -> None:
    """Let the registry's event arrive."""
    await world.api.bus.publish([change.enclosed(message_id=new_id(), source=VPN_REGISTRY, time=SystemClock().now())])


async def tell(world: World, change: PortsChanged, *, run_id: int | None = None) -> httpx2.Response:
    """Let the registry say it directly."""
    token = world.api.auth.service_token(VPN_REGISTRY)
    path = f"/internal/runs/{run_id or change.run_id}/ports"
    return await world.api.call("PUT", path, token, json=change.model_dump(mode="json"))


async def shown(world: World, run: dict[str, Any]) -> Any:
    return (await world.api.get(f"/api/run/{run['id']}", world.researcher)).json()["ports"]


@pytest.fixture
async def run(world: World) -> dict[str, Any]:
    return await world.run_of(await world.task(), world.near)


async def test_a_run_shows_its_ports_wherever_it_is_shown(world: World, run: dict[str, Any]) -> None:
    await hear(world, ports(run, 1, WEB, PLAIN))

    expected = [{"id": 1, "port": 8080, "label": "web"}, {"id": 2, "port": 8888, "label": None}]
    assert await shown(world, run) == expected
    listed = (await world.api.get("/api/run", world.researcher, organization_id=world.near)).json()["data"]
    assert [entry["ports"] for entry in listed] == [expected]
    task = (await world.api.get("/api/task", world.researcher, include="runs")).json()["data"][0]
    assert [entry["ports"] for entry in task["runs"]] == [expected, []]
    changed = await world.patch(run, world.near_node, status="active")
    assert changed["ports"] == expected


async def test_of_two_messages_the_newer_wins_in_whatever_order_and_however_often_they_come(
    world: World, run: dict[str, Any]
) -> None:
    await hear(world, ports(run, 3, WEB))
    for late in (ports(run, 2, WEB, PLAIN), ports(run, 1), ports(run, 3, WEB)):
        await hear(world, late)
        assert await shown(world, run) == [WEB.model_dump()]

    await hear(world, ports(run, 4))
    assert await shown(world, run) == []
    assert await world.api.count(run_port_numbers) == 0


async def test_what_the_registry_says_directly_counts_like_the_event(world: World, run: dict[str, Any]) -> None:
    assert (await tell(world, ports(run, 1, WEB))).status_code == 200
    assert await shown(world, run) == [WEB.model_dump()]
    await hear(world, ports(run, 1))
    assert await shown(world, run) == [WEB.model_dump()]


async def test_only_the_registry_may_say_it_and_of_the_run_it_names(world: World, run: dict[str, Any]) -> None:
    change = ports(run, 1, WEB)

    assert (await tell(world, change, run_id=run["id"] + 1)).status_code == 400
    for token, status in ((world.api.auth.service_token(AUTH), 403), (world.api.root, 422)):
        answer = await world.api.call("PUT", f"/internal/runs/{run['id']}/ports", token, json=change.model_dump())
        assert answer.status_code == status
    assert await shown(world, run) == []


async def test_ports_of_a_run_that_is_gone_are_forgotten(world: World, run: dict[str, Any]) -> None:
    await hear(world, ports(run, 1, WEB))
    await world.api.delete(f"/api/task/{run['task']['id']}", world.api.root)

    await hear(world, ports(run, 2, WEB, PLAIN))
    assert (await tell(world, ports(run, 3, WEB))).status_code == 200

    assert (await world.api.count(run_ports), await world.api.count(run_port_numbers)) == (0, 0)


async def test_runs_and_results_are_found_by_port(world: World, run: dict[str, Any]) -> None:
    other = await world.run_of(await world.task(), world.near)
    await hear(world, ports(run, 1, WEB, PLAIN))
    await hear(world, ports(other, 1, PLAIN))

    for path in ("/api/run", "/api/result"):
        by_port = {
            port: [entry["id"] for entry in (await world.api.get(path, world.researcher, port=port)).json()["data"]]
            for port in (8080, 8888, 1, -5, 2**62)
        }
        assert by_port == {8080: [run["id"]], 8888: [other["id"], run["id"]], 1: [], -5: [], 2**62: []}
        assert (await world.api.get(path, world.researcher, port="abc")).status_code == 400


async def test_showing_ports_costs_no_further_query(world: World, run: dict[str, Any]) -> None:
    async def queries() -> int:
        with world.api.counting() as statements:
            await world.api.get("/api/run", world.researcher, per_page=100)
            await world.api.get("/api/task", world.researcher, include="runs")
        return len(statements)

    before = await queries()
    await hear(world, ports(run, 1, WEB, PLAIN))
    for _ in range(3):
        await hear(world, ports(await world.run_of(await world.task(), world.far), 1, WEB))

    assert await queries() == before


async def test_the_registry_asks_about_several_runs_at_once(world: World, run: dict[str, Any]) -> None:
    await hear(world, ports(run, 5, WEB))
    await world.api.patch(f"/api/node/{world.near_node.id}", world.near_node, ip="10.76.0.2")
    token = world.api.auth.service_token(VPN_REGISTRY)

    answer = await world.api.get("/internal/runs", token, id=[run["id"], 987654])

    assert answer.json() == {
        "runs": [
            {
                "id": run["id"],
                "task_id": run["task"]["id"],
                "parent_id": None,
                "organization_id": world.near,
                "collaboration_id": world.collaboration,
                "node_id": world.near_node.id,
                "node_ip": "10.76.0.2",
                "node_status": "offline",
                "status": "pending",
                "ports_revision": 5,
            }
        ]
    }
    assert (await world.api.get("/internal/runs", token, id=list(range(1, 502)))).status_code == 400


async def test_the_registry_asks_for_the_parent_of_a_task(world: World) -> None:
    task = await world.task(world.near)
    child = await world.task(world.near, caller=world.container(task))
    token = world.api.auth.service_token(VPN_REGISTRY)

    for asked, parent_id in ((task["id"], None), (child["id"], task["id"])):
        answer = await world.api.get(f"/internal/tasks/{asked}/parent", token)
        assert answer.json() == {"id": asked, "parent_id": parent_id}
    assert (await world.api.get("/internal/tasks/987654/parent", token)).status_code == 404


async def test_a_new_address_of_a_node_is_told_once_for_each_change(world: World) -> None:
    node = world.near_node
    await world.api.forget_events()
    for change in ({"ip": "10.76.0.2"}, {"ip": "10.76.0.2"}, {"name": "renamed"}, {"clear_ip": True}):
        await world.api.patch(f"/api/node/{node.id}", node, **change)

    told = [NodeAddressChanged.opened(event) for event in await world.api.events(NodeAddressChanged)]
    assert [(event.node_id, event.collaboration_id, event.ip) for event in told] == [
        (node.id, world.collaboration, "10.76.0.2"),
        (node.id, world.collaboration, None),
    ]
