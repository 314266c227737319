"""A node that is online and does nothing is told to look when there is work for it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from services.api.tests.kit import Api
from sextant_api.models import nodes, runs, tasks
from sextant_api.presence.healing import Healer
from sextant_shared.contract.commands import OpenConnection
from sextant_shared.contract.events import NodeSyncRequested
from sextant_shared.security import Principal

PENDING = 20
REPEAT = 30


class Station:
    """A node that was told to look long ago, and work for it."""

    def __init__(self, api: Api, node: Principal) -> None:
        self.api = api
        self.node = node

    async def add_run(self, **values: Any) -> None:
        async with self.api.db.transaction() as tx:
            made = await tx.session.execute(
                tasks.insert()
                .values(
                    job_id=1,
                    image="image",
                    collaboration_id=self.node.collaboration_id,
                    init_org_id=self.node.organization_id,
                    init_user_id=1,
                    databases=[],
                )
                .returning(tasks.c.id)
            )
            await tx.session.execute(
                runs.insert().values(
                    **{
                        "task_id": made.scalar_one(),
                        "organization_id": self.node.organization_id,
                        "collaboration_id": self.node.collaboration_id,
                        **values,
                    }
                )
            )

    async def connect(self) -> None:
        await self.api.send(
            OpenConnection(
                connection_id=f"connection {self.node.id}",
                node_id=self.node.id,
                collaboration_id=self.node.collaboration_id or 0,
                lease_seconds=100_000,
            )
        )

    async def heal(self) -> int:
        return await Healer(self.api.db, pending_seconds=PENDING, repeat_seconds=REPEAT).heal()

    async def told(self) -> list[NodeSyncRequested]:
        return [NodeSyncRequested.opened(envelope) for envelope in await self.api.events(NodeSyncRequested)]


@pytest.fixture
async def station(api: Api) -> Station:
    organization = await api.add_organization("hospital")
    node = await api.add_node(organization, await api.add_collaboration("together", [organization]))
    station = Station(api, node)
    await station.connect()
    await api.pass_time(1000)
    return station


async def test_a_run_that_waits_too_long_gets_its_node_told(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING + 1)

    assert await station.heal() == 1
    assert await station.told() == [
        NodeSyncRequested(node_id=station.node.id, collaboration_id=station.node.collaboration_id or 0)
    ]


async def test_a_run_gets_its_time_first(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING - 5)

    assert await station.heal() == 0


async def test_a_node_is_not_told_again_at_once(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING + 1)
    await station.heal()

    assert await station.heal() == 0
    await station.api.pass_time(REPEAT - 5)
    assert await station.heal() == 0
    await station.api.pass_time(6)
    assert await station.heal() == 1


async def test_a_node_that_has_just_connected_was_told_by_that(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING + 1)
    await station.connect()

    assert await station.heal() == 0


async def test_a_node_that_is_offline_will_be_told_when_it_connects(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING + 1)
    async with station.api.db.transaction() as tx:
        await tx.session.execute(nodes.update().values(status="offline"))

    assert await station.heal() == 0


@pytest.mark.parametrize("busy", [{"status": "active"}, {"status": "initializing"}, {"started": True}])
async def test_a_node_that_is_at_work_is_left_in_peace(station: Station, busy: dict[str, Any]) -> None:
    await station.add_run()
    if busy.pop("started", False):
        busy["started_at"] = datetime.now(UTC)
    await station.add_run(**busy)
    await station.api.pass_time(PENDING + 1)

    assert await station.heal() == 0


async def test_a_node_that_has_just_ended_a_run_gets_its_time(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING - 5)
    await station.add_run(status="completed", finished_at=datetime.now(UTC))
    await station.api.pass_time(6)
    assert await station.heal() == 0

    await station.api.pass_time(PENDING)
    assert await station.heal() == 1


async def test_runs_of_others_are_not_a_nodes_business(station: Station) -> None:
    api = station.api
    other = await api.add_organization("other")
    elsewhere = await api.add_collaboration("elsewhere", [station.node.organization_id])
    await station.add_run(organization_id=other)
    await station.add_run(collaboration_id=elsewhere)
    await station.add_run(status="completed")
    await api.pass_time(PENDING + 1)

    assert await station.heal() == 0


async def test_of_several_healers_one_tells_a_node(station: Station) -> None:
    await station.add_run()
    await station.api.pass_time(PENDING + 1)

    counts = await asyncio.gather(*(station.heal() for _ in range(4)))

    assert sorted(counts) == [0, 0, 0, 1]
    assert len(await station.told()) == 1
