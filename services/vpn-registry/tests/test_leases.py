"""Who holds which port: against whom, from when, and until when."""

import asyncio

import pytest

from sextant_shared.contract.events import NodeAddressChanged, NodeChanged, NodeOffline, NodeOnline
from sextant_shared.contract.statuses import RunStatus
from sextant_vpn_registry.leases import repository as leases

from .kit import COLLABORATION, Registry

IP, OTHER_IP = "10.76.0.2", "10.76.0.3"
AT_ONCE = 100


def left(node_id: int) -> NodeOffline:
    return NodeOffline(node_id=node_id, name="n", organization_id=node_id * 10, collaboration_id=COLLABORATION)


def came(node_id: int) -> NodeOnline:
    return NodeOnline(node_id=node_id, name="n", organization_id=node_id * 10, collaboration_id=COLLABORATION)


def moved(node_id: int, collaboration_id: int | None, *, deleted: bool = False) -> NodeChanged:
    return NodeChanged(
        node_id=node_id,
        name="n",
        organization_id=node_id * 10,
        collaboration_id=collaboration_id,
        deleted=deleted,
    )


def address(node_id: int, ip: str | None) -> NodeAddressChanged:
    return NodeAddressChanged(node_id=node_id, collaboration_id=COLLABORATION, ip=ip)


async def test_a_port_that_is_held_is_refused_to_others_at_the_same_address(registry: Registry) -> None:
    node, same, elsewhere = registry.node(1, ip=IP), registry.node(2, ip=IP), registry.node(3, ip=OTHER_IP)
    for run_id, of in ((7, node), (8, node), (9, same), (10, elsewhere)):
        registry.run(run_id, of)
    await registry.registered(node, 7)

    for refused, run_id in ((node, 8), (same, 9)):
        answer = await registry.register(refused, run_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "port_taken")
        assert await registry.shown(run_id) == []
    await registry.registered(elsewhere, 10)
    assert await registry.found(node) == [(IP, 5000), (OTHER_IP, 5000)]


async def test_a_node_without_an_address_holds_its_ports_too(registry: Registry) -> None:
    node, other = registry.node(1), registry.node(2)
    for run_id, of in ((7, node), (8, node), (9, other)):
        registry.run(run_id, of)

    await registry.registered(node, 7)
    assert (await registry.register(node, 8)).status_code == 409
    await registry.registered(other, 9)
    assert await registry.found(node) == [(None, 5000), (None, 5000)]


async def test_of_many_who_want_the_same_port_at_once_one_gets_it(registry: Registry) -> None:
    nodes = [registry.node(number, ip=IP) for number in (1, 2)]
    wanted = [(nodes[run_id % 2], registry.run(run_id, nodes[run_id % 2])) for run_id in range(1, AT_ONCE + 1)]

    answers = await asyncio.gather(*(registry.register(node, run_id) for node, run_id in wanted))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)
    assert await registry.found(nodes[0]) == [(IP, 5000)]
    assert len(await registry.events()) == 1


async def test_of_many_who_say_the_same_for_one_run_all_are_told_the_same(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)

    ids = await asyncio.gather(*(registry.registered(node, 7) for _ in range(20)))

    assert len(set(ids)) == 1
    assert len(await registry.events()) == 1


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.KILLED, RunStatus.CRASHED])
async def test_the_end_of_a_run_releases_what_it_holds_but_it_still_shows_it(
    registry: Registry, status: RunStatus
) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    registry.run(8, node)
    await registry.registered(node, 7)

    await registry.end(7, status)

    assert await registry.found(node) == []
    assert await registry.shown(7) == [5000]
    await registry.registered(node, 8)
    assert await registry.found(node) == [(IP, 5000)]


async def test_a_status_that_is_no_end_releases_nothing(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)

    await registry.end(7, RunStatus.INITIALIZING)

    assert await registry.found(node) == [(IP, 5000)]


async def test_events_that_come_twice_or_late_change_nothing(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)

    await registry.hear(left(1), after_seconds=1, times=2)
    assert await registry.found(node) == []
    await registry.hear(came(1), after_seconds=3, times=2)
    await registry.hear(left(1), after_seconds=2)
    await registry.hear(address(1, OTHER_IP), after_seconds=3, times=2)
    await registry.hear(address(1, IP), after_seconds=2)
    await registry.hear(address(1, None), after_seconds=-60)

    assert await registry.found(node) == [(OTHER_IP, 5000)]


async def test_a_node_that_leaves_holds_nothing_until_it_comes_back(registry: Registry) -> None:
    node, other = registry.node(1, ip=IP, is_online=True), registry.node(2, ip=IP)
    registry.run(7, node)
    registry.run(8, other)
    await registry.registered(node, 7, 5000)
    await registry.registered(node, 7, 5001)

    await registry.hear(left(1), after_seconds=1)
    assert await registry.found(node) == []
    await registry.registered(other, 8, 5000)
    await registry.hear(came(1), after_seconds=2)

    # what somebody else got meanwhile stays with him
    assert await registry.found(node) == [(IP, 5001), (IP, 5000)]
    async with registry.db.read() as session:
        holder = await leases.find_holder(session, IP, 5000)
    assert holder is not None
    assert holder.run_id == 8
    assert await registry.shown(7) == [5000, 5001]


async def test_a_node_that_speaks_to_us_is_there_whatever_was_said_of_it(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)
    await registry.hear(left(1))

    await registry.registered(node, 7, 5001)

    assert await registry.found(node) == [(IP, 5001)]


@pytest.mark.parametrize("change", [moved(1, None), moved(1, COLLABORATION + 1), moved(1, COLLABORATION, deleted=True)])
async def test_a_node_that_is_taken_out_or_deleted_holds_nothing_any_more(
    registry: Registry, change: NodeChanged
) -> None:
    node, other = registry.node(1, ip=IP), registry.node(2, ip=IP)
    registry.run(7, node)
    registry.run(8, other)
    await registry.registered(node, 7)

    await registry.hear(change, times=2)

    assert await registry.found(other) == []
    await registry.registered(other, 8)


async def test_a_node_that_is_renamed_keeps_what_it_holds(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)

    await registry.hear(moved(1, COLLABORATION))

    assert await registry.found(node) == [(IP, 5000)]


async def test_the_node_that_was_made_in_the_place_of_another_may_speak_for_its_runs(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)
    successor = registry.node(5, ip=IP)
    registry.api.runs[7]["node_id"] = 5

    await registry.registered(successor, 7)

    assert await registry.found(successor) == [(IP, 5000)]
    assert (await registry.register(node, 7, 5001)).status_code == 401


async def test_leases_follow_the_address_of_their_node(registry: Registry) -> None:
    node, other = registry.node(1), registry.node(2, ip=IP)
    registry.run(7, node)
    registry.run(8, other)
    await registry.registered(node, 7)

    await registry.hear(address(1, OTHER_IP), after_seconds=1)
    assert await registry.found(node) == [(OTHER_IP, 5000)]
    await registry.registered(other, 8)
    await registry.hear(address(2, OTHER_IP), after_seconds=1)
    # two cannot be held at one address: who came first keeps it
    assert await registry.found(node) == [(OTHER_IP, 5000)]
    await registry.hear(address(1, None), after_seconds=2)
    assert await registry.found(node) == [(None, 5000)]


async def test_two_nodes_may_change_addresses(registry: Registry) -> None:
    node, other = registry.node(1, ip=IP), registry.node(2, ip=OTHER_IP)
    registry.run(7, node)
    registry.run(8, other)
    await registry.registered(node, 7)
    await registry.registered(other, 8)

    await registry.hear(address(1, None), after_seconds=1)
    await registry.hear(address(2, IP), after_seconds=2)
    await registry.hear(address(1, OTHER_IP), after_seconds=3)

    assert await registry.found(node) == [(OTHER_IP, 5000), (IP, 5000)]


async def test_who_holds_a_port_is_looked_at_again_after_a_while_before_it_is_refused(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    registry.run(8, node)
    await registry.registered(node, 7)
    await registry.end(7, is_told=False)
    assert (await registry.register(node, 8)).status_code == 409
    await registry.pass_time(leases.FRESH_SECONDS)

    await registry.registered(node, 8)

    assert await registry.found(node) == [(IP, 5000)]
    registry.api.down = True
    assert (await registry.register(node, 7, 5000)).status_code == 201


async def test_a_port_that_is_held_is_refused_too_while_api_is_away(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    for run_id in (7, 8):
        registry.run(run_id, node)
        await registry.release(node, run_id)
    await registry.registered(node, 7)
    await registry.pass_time(leases.FRESH_SECONDS)
    registry.api.down = True

    assert (await registry.register(node, 8)).status_code == 409
