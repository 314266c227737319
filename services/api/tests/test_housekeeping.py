"""What becomes of things in the background: periodic jobs, what they throw away, what commands lead to."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from services.api.tests.kit import Api
from sextant_api.commands import Dispatcher
from sextant_api.housekeeping import CONNECTION_SECONDS, Housekeeping
from sextant_api.models import connections, inbox
from sextant_api.presence.metrics import NodeMetrics
from sextant_shared.contract.commands import CloseConnection, OpenConnection, ReportNodeMetrics
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import TaskCreated
from sextant_shared.contract.messages import Envelope
from sextant_shared.periodic import Periodic

DAY = 86_400


async def test_old_connections_and_messages_are_forgotten_and_young_ones_kept(api: Api) -> None:
    organization = await api.add_organization("hospital")
    node = await api.add_node(organization, await api.add_collaboration("together", [organization]))

    async def measure() -> None:
        return

    housekeeping = Housekeeping(api.db, NodeMetrics(), measure, inbox_days=7)
    opening = OpenConnection(connection_id="old", node_id=node.id, collaboration_id=1, lease_seconds=40)
    await api.send(opening)
    await api.pass_time(CONNECTION_SECONDS + 60)
    await api.send(opening.model_copy(update={"connection_id": "young"}))

    await housekeeping.tidy()

    assert (await api.count(connections), await api.count(inbox)) == (1, 2)
    await api.pass_time(7 * DAY - 60)
    await housekeeping.tidy()
    assert (await api.count(connections), await api.count(inbox)) == (0, 1)


async def test_a_job_that_fails_is_done_again_at_the_next_time() -> None:
    done = asyncio.Event()
    outcomes: list[Exception | None] = [UnavailableError("away"), ValueError("a mistake"), None]

    async def job() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        done.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(Periodic(job, seconds=0, name="test").run())
    async with asyncio.timeout(5):
        await done.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert outcomes == []


async def test_a_command_that_nobody_handles_is_parked(plain_api: Api) -> None:
    await plain_api.send(TaskCreated(task_id=1, parent_id=None, job_id=1, collaboration_id=1, organization_ids=[]))

    assert await plain_api.parked() == 1


def test_no_command_has_two_handlers() -> None:
    async def handle(_: Envelope) -> None:
        return

    with pytest.raises(ValueError, match=r"connection\.close"):
        Dispatcher({CloseConnection.type: handle}, {CloseConnection.type: handle})


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_how_a_node_fares_is_shown_until_it_falls_silent(plain_api: Api) -> None:
    await plain_api.send(
        ReportNodeMetrics(
            node_id=4711,
            metrics={
                "cpu_percent": 12.5,
                "memory_percent": "much",
                "num_algorithm_containers": 2,
                "gpu_count": True,
                "gpu_load": [0.5, None, 0.75],
                "os": "linux",
                "platform": ["?"],
                "something": "else",
            },
        )
    )

    assert shown("sextant_node_cpu_percent", node_id="4711") == 12.5
    assert shown("sextant_node_memory_percent", node_id="4711") is None
    assert shown("sextant_node_algorithm_containers", node_id="4711") == 2
    assert shown("sextant_node_gpus", node_id="4711") is None
    assert shown("sextant_node_gpu_load", node_id="4711", gpu="2") == 0.75
    assert shown("sextant_node_gpu_load", node_id="4711", gpu="1") is None
    assert shown("sextant_node_system_info", node_id="4711", os="linux", platform="['?']") == 1
    assert "sextant_node_cpu_percent" in (await plain_api.get("/metrics")).text


def test_a_node_that_has_fallen_silent_is_shown_no_longer() -> None:
    metrics = NodeMetrics()
    metrics.report(4712, {"cpu_percent": 1, "gpu_load": [1, 2]})

    metrics.forget_silent(seconds=60)
    assert shown("sextant_node_cpu_percent", node_id="4712") == 1

    metrics.forget_silent(seconds=0)
    assert shown("sextant_node_cpu_percent", node_id="4712") is None
    assert shown("sextant_node_gpu_load", node_id="4712", gpu="1") is None
    assert shown("sextant_node_reported_time", node_id="4712") is None
