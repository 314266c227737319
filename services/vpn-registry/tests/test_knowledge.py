"""How the registry knows of runs and nodes: with events, without them, and while api is away."""

import pytest

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeOffline
from sextant_shared.contract.statuses import RunStatus
from sextant_vpn_registry.leases import repository as leases
from sextant_vpn_registry.models import runs

from .kit import COLLABORATION, Registry

IP = "10.76.0.2"


async def test_api_is_asked_once_about_a_run(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)

    await registry.release(node, 7)
    await registry.registered(node, 7)
    await registry.registered(node, 7, 5001)
    await registry.end(7)
    await registry.release(node, 7)

    assert registry.api.asked == [7]


async def test_the_registry_works_on_from_its_own_copy_while_api_is_away(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.release(node, 7)
    registry.api.down = True

    await registry.registered(node, 7)
    assert await registry.found(node) == [(IP, 5000)]
    await registry.end(7)
    await registry.registered(node, 7, 5001)
    assert await registry.shown(7) == [5000, 5001]
    assert (await registry.release(node, 7)).status_code == 200
    assert await registry.shown(7) == []
    # api has heard of nothing, but will: it is in the outbox
    assert registry.api.told == {}
    assert [len(event.ports) for event in await registry.events()] == [1, 2, 0]


async def test_what_is_not_known_cannot_be_answered_while_api_is_away(registry: Registry) -> None:
    node, other = registry.node(1), registry.node(2)
    registry.run(7, node)
    registry.run(8, node)
    await registry.release(node, 8)
    registry.api.down = True

    # nor is anybody refused on the strength of a copy alone
    for answer in (await registry.register(node, 7), await registry.release(node, 7), await registry.release(other, 8)):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_the_reconciler_releases_what_runs_held_of_whose_end_nobody_told(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    for run_id in (7, 8, 9):
        registry.run(run_id, node)
        await registry.registered(node, run_id, 5000 + run_id)
    await registry.end(7, is_told=False)
    del registry.api.runs[8]

    await registry.reconciler.mend()

    assert await registry.found(node) == [(IP, 5009)]
    assert (await registry.shown(7), await registry.shown(8)) == ([5007], [])
    assert set(await registry.known_runs()) == {7, 9}


async def test_the_reconciler_learns_that_a_node_left_came_back_or_moved(registry: Registry) -> None:
    node, other = registry.node(1, ip=IP, is_online=True), registry.node(2)
    registry.run(7, node)
    await registry.registered(node, 7)

    registry.api.online.clear()
    await registry.reconciler.mend()
    assert await registry.found(other) == []
    registry.api.online.add(1)
    registry.api.addresses[1] = "10.76.9.9"
    await registry.reconciler.mend()
    assert await registry.found(other) == [("10.76.9.9", 5000)]
    registry.api.runs[7]["node_id"] = None
    await registry.reconciler.mend()
    assert await registry.found(other) == []
    assert await registry.shown(7) == [5000]


async def test_a_node_that_was_never_connected_is_not_taken_for_one_that_left(registry: Registry) -> None:
    node = registry.node(1, ip=IP, is_online=False)
    registry.run(7, node)
    await registry.registered(node, 7)

    await registry.reconciler.mend()

    assert await registry.found(node) == [(IP, 5000)]


async def test_the_reconciler_gives_what_became_free(registry: Registry) -> None:
    node, other = registry.node(1, ip=IP), registry.node(2, ip=IP)
    registry.run(7, node)
    registry.run(8, other)
    await registry.registered(node, 7)
    left = NodeOffline(node_id=1, name="n", organization_id=10, collaboration_id=COLLABORATION)
    await registry.hear(left, after_seconds=0)
    await registry.registered(other, 8)
    registry.api.online.add(1)
    await registry.reconciler.mend()
    assert await registry.found(node) == [(IP, 5000)]

    await registry.end(8)
    await registry.pass_time(1)
    await registry.reconciler.mend()

    async with registry.db.read() as session:
        holder = await leases.find_holder(session, IP, 5000)
    assert holder is not None
    assert holder.run_id == 7


async def test_the_reconciler_tells_api_again_of_what_it_should_have_heard(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)
    registry.api.told.clear()

    await registry.reconciler.mend()

    first, again = await registry.events()
    assert first == again


async def test_the_reconciler_asks_about_all_that_matters_and_nothing_else(registry: Registry) -> None:
    node = registry.node(1)
    for run_id in range(1, 1003):
        registry.run(run_id, node)
    await registry.registered(node, 1)
    await registry.release(node, 2)
    for ended in (1, 2):
        await registry.end(ended)
    known = (await registry.known_runs())[2]._asdict()
    async with registry.db.transaction() as tx:
        many = [{**known, "id": run_id, "ended_at": None} for run_id in range(3, 1003)]
        await tx.session.execute(runs.insert(), many)
    await registry.pass_time(1)
    registry.api.asked.clear()

    await registry.reconciler.mend()

    assert sorted(registry.api.asked) == [1, *range(3, 1003)]


async def test_a_reconciler_that_finds_api_away_changes_nothing(registry: Registry) -> None:
    node = registry.node(1, ip=IP)
    registry.run(7, node)
    await registry.registered(node, 7)
    registry.api.down = True

    with pytest.raises(UnavailableError):
        await registry.reconciler.mend()

    assert await registry.found(node) == [(IP, 5000)]


async def test_runs_that_ended_are_forgotten_once_they_show_nothing(registry: Registry) -> None:
    node = registry.node(1)
    for run_id in (7, 8, 9):
        registry.run(run_id, node)
        await registry.release(node, run_id)
    await registry.registered(node, 8)
    for run_id in (7, 8):
        await registry.end(run_id, RunStatus.FAILED)
    await registry.pass_time(1)

    await registry.reconciler.tidy()

    assert set(await registry.known_runs()) == {8, 9}


async def test_the_count_of_changes_goes_on_where_it_was_when_a_run_was_forgotten(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)
    await registry.registered(node, 7)
    await registry.release(node, 7)
    await registry.end(7)
    await registry.pass_time(1)
    await registry.reconciler.tidy()
    assert await registry.known_runs() == {}

    await registry.registered(node, 7)

    assert [event.revision for event in await registry.events()] == [1, 2, 3]
