"""A node is online exactly while one of its connections lives."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.api.tests.kit import Api
from sextant_api.models import connections, inbox, node_configs, nodes
from sextant_api.presence.sweeper import Sweeper
from sextant_shared.contract.commands import (
    CloseConnection,
    LiveConnection,
    OpenConnection,
    ReportNodeInfo,
    TouchConnections,
)
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeOffline, NodeOnline, NodeSeen
from sextant_shared.contract.messages import Content
from sextant_shared.contract.routing import AUTH
from sextant_shared.messaging import API_COMMANDS
from sextant_shared.security import Principal

LEASE = 40
GRACE = 15


class Station:
    """A node, and relay speaking of its connections."""

    def __init__(self, api: Api, node: Principal) -> None:
        self.api = api
        self.node = node
        self.sweeper = Sweeper(api.db)

    def opening(self, name: str) -> Content:
        return OpenConnection(
            connection_id=name,
            node_id=self.node.id,
            collaboration_id=self.node.collaboration_id or 0,
            lease_seconds=LEASE,
        )

    def closing(self, name: str) -> Content:
        return CloseConnection(connection_id=name, node_id=self.node.id)

    async def open(self, name: str) -> None:
        await self.api.send(self.opening(name))

    async def close(self, name: str) -> None:
        await self.api.send(self.closing(name))

    async def touch(self, *names: str) -> None:
        live = [LiveConnection(connection_id=name, node_id=self.node.id) for name in names]
        await self.api.send(TouchConnections(connections=live, lease_seconds=LEASE))

    async def after(self, seconds: float) -> str:
        """Let time pass, settle, and look."""
        await self.api.pass_time(seconds)
        await self.sweeper.sweep()
        return await self.status()

    async def status(self) -> str:
        answer = await self.api.get(f"/api/node/{self.node.id}", self.api.root)
        return str(answer.json()["status"])

    async def told(self) -> list[type[Content]]:
        """What was told of the node, in order."""
        envelopes = await self.api.events(NodeOnline, NodeOffline)
        return [{each.type: each for each in (NodeOnline, NodeOffline)}[envelope.type] for envelope in envelopes]


@pytest.fixture
async def station(api: Api) -> AsyncIterator[Station]:
    organization = await api.add_organization("hospital")
    collaboration = await api.add_collaboration("study of hearts", [organization])
    node = await api.add_node(organization, collaboration, name="station")
    yield Station(api, node)
    assert await api.parked() == 0


async def test_the_first_connection_brings_a_node_online_and_tells_it_once(station: Station) -> None:
    await station.open("one")
    await station.open("two")

    assert await station.status() == "online"
    [told] = await station.api.events(NodeOnline)
    assert NodeOnline.opened(told) == NodeOnline(
        node_id=station.node.id,
        name="station",
        organization_id=station.node.organization_id,
        collaboration_id=station.node.collaboration_id or 0,
    )


async def test_a_node_stays_online_while_one_of_two_connections_lives(station: Station) -> None:
    await station.open("one")
    await station.open("two")
    await station.close("one")

    assert await station.after(GRACE + 1) == "online"
    assert await station.told() == [NodeOnline]


async def test_closing_the_last_connection_shows_only_after_the_grace(station: Station) -> None:
    await station.open("one")
    await station.close("one")

    assert await station.after(GRACE - 5) == "online"
    assert await station.told() == [NodeOnline]
    assert await station.after(6) == "offline"
    assert await station.told() == [NodeOnline, NodeOffline]


async def test_a_reconnect_within_the_grace_never_shows_as_offline(station: Station) -> None:
    await station.open("one")
    await station.close("one")
    await station.after(GRACE - 5)
    await station.open("two")

    assert await station.after(GRACE) == "online"
    assert await station.told() == [NodeOnline]


async def test_a_late_close_of_an_old_connection_changes_nothing_else(station: Station) -> None:
    await station.open("one")
    await station.open("two")
    await station.close("one")
    await station.api.pass_time(GRACE + 1)
    await station.touch("two")
    await station.api.send(station.closing("one"))

    assert await station.after(LEASE - 1) == "online"


async def test_the_connections_of_a_killed_relay_lapse_by_themselves(station: Station) -> None:
    await station.open("one")

    assert await station.after(LEASE - 5) == "online"
    assert await station.after(6) == "offline"
    assert await station.told() == [NodeOnline, NodeOffline]


async def test_touched_connections_do_not_lapse(station: Station) -> None:
    await station.open("one")
    for _ in range(3):
        await station.api.pass_time(LEASE - 5)
        await station.touch("one")

    assert await station.after(LEASE - 5) == "online"
    assert await station.told() == [NodeOnline]


async def test_a_close_after_a_lapse_does_not_bring_a_grace(station: Station) -> None:
    await station.open("one")
    await station.api.pass_time(LEASE + 1)
    await station.close("one")

    assert await station.after(0) == "offline"


async def test_a_connection_whose_touches_were_lost_for_a_while_comes_back_with_the_next(station: Station) -> None:
    await station.open("one")
    assert await station.after(LEASE + 1) == "offline"

    await station.touch("one")

    assert await station.status() == "online"
    assert await station.told() == [NodeOnline, NodeOffline, NodeOnline]


async def test_a_touch_makes_up_for_an_opening_that_was_lost(station: Station) -> None:
    await station.touch("one")

    assert await station.status() == "online"
    assert await station.told() == [NodeOnline]


async def test_an_opening_that_arrives_after_its_closing_does_not_bring_a_node_online(station: Station) -> None:
    await station.close("one")
    await station.open("one")
    await station.touch("one")

    assert await station.status() == "offline"
    assert await station.told() == []


async def test_a_touch_that_arrives_after_its_closing_does_not_prolong_the_grace(station: Station) -> None:
    await station.open("one")
    await station.close("one")
    await station.api.pass_time(GRACE - 5)
    await station.touch("one")

    assert await station.after(6) == "offline"


async def test_an_opening_that_is_delivered_twice_is_acted_upon_once(station: Station) -> None:
    message_id = uuid4()
    await station.api.send(station.opening("one"), message_id=message_id, times=2)
    assert await station.after(LEASE + 1) == "offline"

    await station.api.send(station.opening("one"), message_id=message_id)

    assert await station.status() == "offline"
    assert await station.api.count(inbox) == 1


async def test_a_closing_that_is_delivered_twice_grants_no_second_grace(station: Station) -> None:
    await station.open("one")
    message_id = uuid4()
    await station.api.send(station.closing("one"), message_id=message_id)
    await station.api.pass_time(GRACE - 5)
    await station.api.send(station.closing("one"), message_id=message_id)
    await station.close("one")

    assert await station.after(6) == "offline"


async def test_an_opening_that_is_said_again_of_a_living_connection_only_prolongs_its_lease(station: Station) -> None:
    await station.open("one")
    await station.api.pass_time(LEASE - 5)
    await station.open("one")

    assert await station.after(LEASE - 5) == "online"
    assert await station.told() == [NodeOnline]


async def test_a_connection_cannot_be_closed_in_the_name_of_another_node(station: Station) -> None:
    other = await station.api.add_node(
        station.node.organization_id,
        await station.api.add_collaboration("another", [station.node.organization_id]),
    )
    await station.open("one")
    await station.api.send(CloseConnection(connection_id="one", node_id=other.id))

    assert await station.after(GRACE + 1) == "online"


async def test_connections_of_nodes_that_are_no_more_are_ignored(station: Station) -> None:
    gone = 987654
    await station.api.send(OpenConnection(connection_id="x", node_id=gone, collaboration_id=1, lease_seconds=LEASE))
    await station.api.send(CloseConnection(connection_id="y", node_id=gone))
    await station.api.send(
        TouchConnections(connections=[LiveConnection(connection_id="z", node_id=gone)], lease_seconds=LEASE)
    )
    await station.api.send(ReportNodeInfo(node_id=gone, info={"a": 1}))

    assert await station.api.count(connections) == 0
    assert await station.api.count(node_configs) == 0


async def test_one_touch_speaks_for_many_nodes_in_few_statements(station: Station) -> None:
    api = station.api
    live = []
    for index in range(60):
        organization = await api.add_organization(f"organization {index}")
        node = await api.add_node(organization, await api.add_collaboration(f"collaboration {index}", [organization]))
        live.append(LiveConnection(connection_id=f"c{index}", node_id=node.id))

    with api.counting() as statements:
        await api.send(TouchConnections(connections=live, lease_seconds=LEASE))

    assert len(await api.events(NodeOnline)) == 60
    assert len(statements) <= 5 + 1, statements.texts  # and the one of the outbox


async def test_a_node_is_last_seen_when_it_was_last_touched(station: Station) -> None:
    async def last_seen() -> str | None:
        answer = await station.api.get(f"/api/node/{station.node.id}", station.api.root)
        seen: str | None = answer.json()["last_seen"]
        return seen

    assert await last_seen() is None
    await station.open("one")
    await station.api.pass_time(10)
    at_opening = await last_seen()
    await station.touch("one")
    at_touch = await last_seen()

    assert at_opening is not None
    assert at_touch is not None
    assert at_opening < at_touch


async def test_of_several_sweepers_one_tells_that_a_node_went_offline(station: Station) -> None:
    await station.open("one")
    await station.api.pass_time(LEASE + 1)

    settled = await asyncio.gather(*(Sweeper(station.api.db).sweep() for _ in range(4)))

    assert sorted(settled) == [0, 0, 0, 1]
    assert await station.told() == [NodeOnline, NodeOffline]


async def test_a_sweep_and_a_reconnect_at_the_same_time_agree(station: Station) -> None:
    for attempt in range(10):
        await station.touch(f"old {attempt}")
        await station.api.pass_time(LEASE + 1)

        await asyncio.gather(station.sweeper.sweep(), station.open(f"new {attempt}"))

        assert await station.status() == "online"
        assert await station.after(0) == "online"
        await station.api.pass_time(LEASE + 1)
    told = await station.told()
    assert all(one is not other for one, other in pairwise(told)), told


async def test_a_sweep_without_anything_to_do_opens_no_writing_transaction(station: Station) -> None:
    await station.open("one")

    with station.api.counting() as statements:
        assert await station.sweeper.sweep() == 0

    assert len(statements) == 1


async def test_what_a_node_shares_is_shown_flat_and_forgotten_when_it_goes_offline(station: Station) -> None:
    await station.open("one")
    await station.api.send(
        ReportNodeInfo(
            node_id=station.node.id,
            info={
                "encryption": False,
                "database_labels": ["default", "db2"],
                "policies": {"require_algorithm_pull": True, "x": ["1", "2"]},
                "number": 5,
                "nothing": None,
                "none of them": [],
            },
        )
    )
    shown = (await station.api.get(f"/api/node/{station.node.id}", station.api.root)).json()["config"]

    assert shown == [
        {"key": "encryption", "value": "0"},
        {"key": "database_labels", "value": "default"},
        {"key": "database_labels", "value": "db2"},
        {"key": "require_algorithm_pull", "value": "1"},
        {"key": "x", "value": "1"},
        {"key": "x", "value": "2"},
        {"key": "number", "value": "5"},
        {"key": "nothing", "value": None},
    ]

    await station.after(LEASE + 1)

    assert await station.api.count(node_configs) == 0


async def test_a_later_report_replaces_an_earlier_one_in_whatever_order_they_arrive(station: Station) -> None:

    older, newer = (
        ReportNodeInfo(node_id=station.node.id, info={"said": said}).enclosed(
            message_id=uuid4(), source="relay", time=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        )
        for second, said in enumerate(("first", "second"))
    )
    for envelope in (newer, older, newer):
        await station.api.bus.send(API_COMMANDS, envelope)

    shown = (await station.api.get(f"/api/node/{station.node.id}", station.api.root)).json()["config"]
    assert shown == [{"key": "said", "value": "second"}]


async def test_a_node_without_a_collaboration_comes_and_goes_untold(station: Station) -> None:
    async with station.api.db.transaction() as tx:
        await tx.session.execute(nodes.update().values(collaboration_id=None))
    await station.open("one")

    assert await station.status() == "online"
    assert await station.after(LEASE + 1) == "offline"
    assert await station.told() == []


async def test_deleting_an_online_node_tells_that_it_is_offline(station: Station) -> None:
    await station.open("one")

    await station.api.delete(f"/api/node/{station.node.id}", station.api.root)

    assert await station.told() == [NodeOnline, NodeOffline]
    async with station.api.db.read() as session:
        assert (await session.execute(select(connections))).all() == []


async def test_a_touch_that_cannot_be_stored_is_dropped_not_kept_for_later(
    plain_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise UnavailableError("away")

    monkeypatch.setattr(plain_api.db, "transaction", away)
    live = [LiveConnection(connection_id="one", node_id=1)]

    await plain_api.send(TouchConnections(connections=live, lease_seconds=LEASE))
    with pytest.raises(UnavailableError):
        await plain_api.send(CloseConnection(connection_id="one", node_id=1))

    assert await plain_api.parked() == 0


async def last_seen(station: Station) -> datetime | None:
    async with station.api.db.read() as session:
        found: datetime | None = await session.scalar(select(nodes.c.last_seen).where(nodes.c.id == station.node.id))
    return found


async def test_a_login_counts_as_having_seen_the_node_and_the_newest_wins(station: Station) -> None:
    early, late = datetime(2024, 3, 3, 12, tzinfo=UTC), datetime(2024, 3, 3, 13, tzinfo=UTC)
    seen = NodeSeen(node_id=station.node.id)
    found = []
    for time in (early, late, early):
        await station.api.bus.publish([seen.enclosed(message_id=uuid4(), source=AUTH, time=time)])
        found.append(await last_seen(station))

    assert found == [early, late, late]
    assert await station.status() == "offline"
