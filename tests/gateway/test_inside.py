"""What the gateway tells the inside: whether it is ready, and its metrics."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from .conftest import Gateway

_COMPOSE = Path(__file__).parents[2] / "compose.yaml"


async def test_the_gateway_is_ready_while_every_service_has_a_ready_replica(gateway: Gateway) -> None:
    first, second = gateway.replicas["vpn-registry"]
    await first.stop()
    await gateway.sees("vpn-registry-ready", 1)
    before = await gateway.client.get(f"{gateway.inside}/readyz")
    second.is_ready = False
    await gateway.sees("vpn-registry-ready", 0)
    after = await gateway.client.get(f"{gateway.inside}/readyz")
    assert (before.status_code, after.status_code) == (200, 503)


async def test_the_containers_health_check_says_the_same(gateway: Gateway) -> None:
    program, *arguments = yaml.safe_load(_COMPOSE.read_text())["services"]["gateway"]["healthcheck"]["test"][1:]
    port = gateway.inside.rpartition(":")[2]
    command = [argument.replace("8404", port).replace("$$", "$") for argument in arguments]

    async def status() -> int:
        return await (await asyncio.create_subprocess_exec(program, *command)).wait()

    before = await status()
    for replica in gateway.replicas["relay"]:
        replica.is_ready = False
    await gateway.sees("relay-ready", 0)
    assert (before, await status()) == (0, 1)


async def test_metrics_name_every_service(gateway: Gateway) -> None:
    metrics = (await gateway.client.get(f"{gateway.inside}/metrics")).text
    named = {service for service in gateway.replicas if f'haproxy_backend_status{{proxy="{service}-live"' in metrics}
    assert named == set(gateway.replicas)


async def test_the_inside_says_nothing_else(gateway: Gateway) -> None:
    alive = await gateway.client.get(f"{gateway.inside}/livez")
    other = await gateway.client.get(f"{gateway.inside}/api/version")
    assert (alive.json(), other.status_code, other.json()["code"]) == ({"status": "alive"}, 404, "not_found")
