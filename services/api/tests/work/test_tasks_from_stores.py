"""Tasks whose algorithm is from a store: the store says which image exactly, or there is no task."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.api.tests.fake_store import DIGEST, FakeStore, serving
from services.api.tests.work.world import IMAGE, World
from sextant_api.models import algorithm_stores, tasks

SERVER = "http://api/api"
PINNED = f"{IMAGE}@{DIGEST}"


@pytest.fixture
async def store() -> AsyncIterator[FakeStore]:
    """A store that trusts the server, and has the image of the tests."""
    store = FakeStore(servers={1: SERVER}, algorithms={IMAGE: DIGEST})
    async with serving(store):
        yield store


async def linked(world: World, store: FakeStore, **values: Any) -> int:
    return await world.api._insert(
        algorithm_stores, **{"name": "s", "url": store.url, "is_forced": True, "collaboration_id": None, **values}
    )


async def test_a_task_runs_the_very_image_that_the_store_has(world: World, store: FakeStore) -> None:
    store_id = await linked(world, store, collaboration_id=world.collaboration)

    answer = await world.post(world.near, store_id=store_id)

    task = answer.json()
    assert (answer.status_code, task["image"], task["algorithm_store"]["id"]) == (201, PINNED, store_id)
    (asked,) = store.asked
    assert (asked.method, asked.path) == ("GET", "algorithm")
    assert asked.query == "image=registry.example%2Faverage%3A1"
    assert asked.headers["server_url"] == SERVER
    assert asked.headers["authorization"] == answer.request.headers["authorization"]


async def test_a_task_may_say_by_what_the_store_knows_this_server(world: World, store: FakeStore) -> None:
    store.servers = {1: "http://known.test/api"}
    store_id = await linked(world, store)

    task = await world.task(world.near, store_id=store_id, server_url="http://known.test/api")

    assert task["image"] == PINNED


async def test_subtasks_take_the_image_over_and_no_store_is_asked(world: World, store: FakeStore) -> None:
    store_id = await linked(world, store)
    parent = await world.task(world.near, store_id=store_id)

    subtask = await world.task(world.far, image=PINNED, store_id=store_id, caller=world.container(parent))

    assert (subtask["image"], subtask["algorithm_store"]["id"]) == (PINNED, store_id)
    assert len(store.asked) == 1


async def test_an_image_without_a_digest_is_not_the_stores(world: World, store: FakeStore) -> None:
    store.algorithms = {IMAGE: None}
    store_id = await linked(world, store)

    task = await world.task(world.near, store_id=store_id)

    assert (task["image"], task["algorithm_store"]) == (IMAGE, None)


async def test_a_version_that_was_asked_for_is_the_one_or_there_is_no_task(world: World, store: FakeStore) -> None:
    other = f"{IMAGE}@sha256:{'00' * 32}"
    store_id = await linked(world, store)
    store.answers["GET", "algorithm"] = (200, {"data": [{"image": IMAGE, "digest": DIGEST}]})

    same = await world.post(world.near, store_id=store_id, image=PINNED)
    refused = await world.post(world.near, store_id=store_id, image=other)

    assert (same.status_code, same.json()["image"]) == (201, PINNED)
    assert (refused.status_code, refused.json()["code"]) == (400, "algorithm_not_in_store")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ((200, {"data": []}), "algorithm_not_in_store"),
        ((200, {"data": [{"digest": DIGEST}]}), "algorithm_not_in_store"),
        ((200, {"data": ["nonsense"]}), "algorithm_not_in_store"),
        ((200, []), "algorithm_not_in_store"),
        ((200, b"<html>"), "algorithm_not_in_store"),
        ((401, {"msg": "Who are you?"}), "store_refused"),
        ((403, {"msg": "This server is not trusted"}), "store_refused"),
        ((500, b""), "store_refused"),
        ((302, b""), "store_refused"),
    ],
    ids=str,
)
async def test_if_the_store_does_not_say_there_is_no_task(
    world: World, store: FakeStore, told: tuple[int, Any], code: str
) -> None:
    store.answers["GET", "algorithm"] = told
    store_id = await linked(world, store)

    answer = await world.post(world.near, store_id=store_id)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await world.api.count(tasks) == 0


async def test_if_the_store_is_away_there_is_no_task(world: World) -> None:
    store_id = await linked(world, FakeStore(port=1))

    answer = await world.post(world.near, store_id=store_id)

    assert (answer.status_code, answer.json()["code"]) == (400, "store_unreachable")
    assert await world.api.count(tasks) == 0


async def test_a_store_that_was_linked_without_force_is_not_asked_at_a_local_address(
    world: World, store: FakeStore
) -> None:
    store_id = await linked(world, store, is_forced=False)

    answer = await world.post(world.near, store_id=store_id)

    assert (answer.status_code, answer.json()["code"]) == (400, "store_address_refused")
    assert store.asked == []


async def test_no_store_is_asked_for_who_may_not_make_the_task(world: World, store: FakeStore) -> None:
    foreign = await world.api.add_collaboration("foreign", [world.far])
    store_id, of_foreign = [await linked(world, store), await linked(world, store, collaboration_id=foreign)]
    viewer = world.api.auth.add_user(organization_id=world.near, role="Viewer")

    told = [
        await world.post(world.near, store_id=store_id, caller=viewer),
        await world.post(world.near, store_id=store_id, caller=world.stranger),
        await world.post(world.near, store_id=store_id, collaboration_id=987654),
        await world.post(world.near, store_id=of_foreign),
        await world.post(world.near, store_id=987654),
    ]

    assert [answer.status_code for answer in told] == [401, 401, 404, 404, 404]
    assert store.asked == []
    assert await world.api.count(tasks) == 0


async def test_no_transaction_is_open_while_the_store_thinks(world: World, store: FakeStore) -> None:
    store_id = await linked(world, store)
    store.held = asyncio.Event()

    asking = asyncio.create_task(world.post(world.near, store_id=store_id))
    while not store.asked:
        await asyncio.sleep(0.01)
    in_use = world.api.db.engine.pool.checkedout()
    store.held.set()

    assert (await asking).status_code == 201
    assert in_use == 0


async def test_a_store_that_is_removed_while_it_is_asked_leaves_no_task(world: World, store: FakeStore) -> None:
    store_id = await linked(world, store)
    store.held = asyncio.Event()

    asking = asyncio.create_task(world.post(world.near, store_id=store_id))
    while not store.asked:
        await asyncio.sleep(0.01)
    async with world.api.db.transaction() as tx:
        await tx.session.execute(algorithm_stores.delete())
    store.held.set()

    assert (await asking).status_code == 404
    assert await world.api.count(tasks) == 0
