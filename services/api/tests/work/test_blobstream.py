"""Large payloads: they come in and go out in pieces, belong to who uploaded them, and leave nothing behind."""

import asyncio
import shutil
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from services.api.tests.kit import Api
from services.api.tests.streams import Answer, each, exchange
from services.api.tests.work.world import READABLE, World
from sextant_api.blobstream import repository, uploads
from sextant_api.blobstream.service import Blobs
from sextant_api.models import blobs, run_inputs, run_results, tasks
from sextant_shared.security import Principal
from sextant_shared.testing.fakes import bearer

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer

PATH = "/api/blobstream"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
async def world(database_url: str, folder: Path) -> AsyncIterator[World]:
    """The world of the other tests, with a store for large payloads."""
    api = Api(database_url, blob_store=folder.as_uri(), blob_max_bytes=300 * MEBIBYTE, blob_stall_seconds=0.2)
    yield await World.made(api)
    await api.close()


def token_of(world: World, caller: Principal | str) -> str:
    return world.api.auth.token(caller) if isinstance(caller, Principal) else caller


async def upload(world: World, content: bytes, caller: Principal | str | None = None) -> str:
    answer = await exchange(
        world.api.service.asgi, "POST", PATH, token_of(world, caller or world.researcher), each(content)
    )
    assert answer.status == 200, answer.body
    uuid: str = answer.json()["uuid"]
    return uuid


async def download(world: World, uuid: str, caller: Principal | str | None = None) -> Answer:
    return await exchange(world.api.service.asgi, "GET", f"{PATH}/{uuid}", token_of(world, caller or world.researcher))


async def task_with(world: World, payload: str, **changes: Any) -> dict[str, Any]:
    return await world.task(organizations=[{"id": world.near, "input": payload}], **changes)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def the_blobs(world: World) -> Blobs:
    found = world.api.collaborators.blobs
    assert found is not None
    return found


# -- there and back --------------------------------------------------------------------------------


async def test_clients_are_told_that_there_is_a_store(world: World) -> None:
    task = await world.task(world.near)
    for caller in (world.researcher, world.near_node, world.container(task)):
        answer = await world.api.get(f"{PATH}/status", caller)
        assert (answer.status_code, answer.json()) == (200, {"blob_store_enabled": True})
    assert (await world.api.get(f"{PATH}/status")).status_code == 401


async def test_an_input_that_was_uploaded_comes_back_as_it_was(world: World, folder: Path) -> None:
    content = bytes(range(256)) * 10_000
    uuid = await upload(world, content)

    task = await task_with(world, uuid)

    run = await world.run_of(task, world.near)
    assert (run["input"], run["blob_storage_used"]) == (uuid, True)
    assert files(folder) == {uuid}
    for caller in (world.near_node, world.researcher, world.colleague, world.container(task)):
        answer = await download(world, uuid, caller)
        assert (answer.status, answer.body, answer.complete) == (200, content, True)
        assert answer.headers["content-type"] == "application/octet-stream"
        # the node passes headers on with a body that it has decrypted
        assert "content-length" not in answer.headers


async def test_a_result_that_was_uploaded_says_so_and_its_run_speaks_of_the_input_alone(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    uuid = await upload(world, b"the result", world.near_node)

    changed = await world.patch(run, world.near_node, status="completed", result=uuid)

    assert changed["blob_storage_used"] is False
    result = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()
    (listed,) = (await world.api.get("/api/result", world.researcher, task_id=task["id"])).json()["data"]
    (inside,) = (await world.api.get(f"/api/task/{task['id']}", world.researcher, include="results,runs")).json()[
        "results"
    ]
    assert result == listed == inside
    assert (result["result"], result["blob_storage_used"]) == (uuid, True)
    assert (await download(world, uuid)).body == b"the result"


async def test_a_result_in_the_request_takes_the_place_of_one_in_the_store_and_the_other_way_round(
    world: World,
) -> None:
    run = await world.run_of(await world.task(world.near), world.near)
    uuid = await upload(world, b"the result", world.near_node)

    told = []
    for result in (uuid, "eA==", uuid):
        await world.patch(run, world.near_node, result=result)
        shown = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()
        told.append((shown["result"], shown["blob_storage_used"]))

    assert told == [(uuid, True), ("eA==", False), (uuid, True)]


async def test_organizations_of_one_task_may_get_their_inputs_either_way(world: World) -> None:
    uuid = await upload(world, b"far's input")

    task = await world.task(organizations=[{"id": world.near, "input": READABLE}, {"id": world.far, "input": uuid}])

    near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]
    assert (near["input"], near["blob_storage_used"]) == (READABLE, False)
    assert (far["input"], far["blob_storage_used"]) == (uuid, True)


async def test_an_upload_may_be_the_input_in_an_encrypted_collaboration(world: World) -> None:
    secret = await world.api.add_collaboration("secret", [world.near], encrypted=True)
    await world.api.add_node(world.near, secret, name="secret-node")
    uuid = await upload(world, b"key$iv$" + bytes(1000))

    task = await task_with(world, uuid, collaboration_id=secret)

    assert (await world.run_of(task, world.near))["blob_storage_used"] is True


async def test_an_empty_upload_is_one(world: World) -> None:
    answer = await world.api.http.post(PATH, headers=bearer(world.api.auth.token(world.researcher)))
    uuid = answer.json()["uuid"]

    await task_with(world, uuid)

    assert (answer.status_code, (await download(world, uuid)).body) == (200, b"")


# -- who may ---------------------------------------------------------------------------------------


async def test_users_upload_who_may_make_tasks_and_nodes_and_algorithms_while_they_run(world: World) -> None:
    task = await world.task(world.near)
    container = world.container(task)
    viewer = world.api.auth.add_user(organization_id=world.near, role="Viewer")

    async def status(caller: Principal | str) -> int | None:
        return (await exchange(world.api.service.asgi, "POST", PATH, token_of(world, caller), each(b"x"))).status

    assert [await status(caller) for caller in (world.api.root, world.near_node, container)] == [200] * 3
    assert [await status(caller) for caller in (viewer, "nonsense")] == [401, 422]
    await world.complete_near(task)
    assert await status(container) == 401


async def test_a_payload_is_seen_by_who_sees_its_run(world: World) -> None:
    uuid = await upload(world, b"x")
    await task_with(world, uuid)
    blind = world.api.auth.add_user(organization_id=world.near, rules={"task:COLLABORATION:VIEW"})
    colleague_of_organization = world.api.auth.add_user(organization_id=world.near, rules={"run:ORGANIZATION:VIEW"})
    owner = world.api.auth.put(replace_rules(world.researcher, {"run:OWN:VIEW"}))
    elsewhere = await world.api.add_collaboration("elsewhere", [world.near, world.strange])
    strange_node = await world.api.add_node(world.strange, elsewhere)

    async def status(caller: Principal) -> int | None:
        return (await download(world, uuid, caller)).status

    assert [await status(caller) for caller in (owner, colleague_of_organization, world.api.root)] == [200] * 3
    assert [await status(caller) for caller in (blind, world.stranger, strange_node)] == [401] * 3


def replace_rules(principal: Principal, rules: set[str]) -> Principal:
    return Principal.model_validate({**principal.model_dump(), "rules": rules})


async def test_an_upload_that_no_run_has_is_nobodys_to_see(world: World) -> None:
    uuid = await upload(world, b"x")

    answers = [await download(world, address) for address in (uuid, str(uuid4()), "nothing", "x" * 500, "a\0b")]

    assert [answer.status for answer in answers] == [404] * 5


async def test_nobody_may_use_what_somebody_else_uploaded(world: World) -> None:
    uuid = await upload(world, b"mine")
    of_far = await upload(world, b"far's", world.far_node)
    run = await world.run_of(await world.task(world.near), world.near)
    before = await world.api.count(tasks)

    told = [
        await world.post(organizations=[{"id": world.near, "input": uuid}], caller=world.colleague),
        await world.post(organizations=[{"id": world.near, "input": str(uuid4())}]),
        await world.api.patch(f"/api/run/{run['id']}", world.near_node, status="completed", result=of_far),
        await world.api.patch(f"/api/run/{run['id']}", world.near_node, status="completed", result=str(uuid4())),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in told] == [(400, "unknown_upload")] * 4
    assert await world.api.count(tasks) == before
    assert (await world.run_of({"id": run["task"]["id"]}, world.near))["status"] == "pending"


async def test_an_algorithm_may_use_its_own_uploads_for_its_subtasks(world: World) -> None:
    parent = await world.task()
    container, of_far = world.container(parent), world.container(parent, world.far_node)
    uuid = await upload(world, b"partial", container)
    wanted = [{"id": world.far, "input": uuid}]

    theirs = await world.post(organizations=wanted, caller=of_far)
    subtask = await world.task(organizations=wanted, caller=container)

    assert theirs.status_code == 400
    assert (await world.run_of(subtask, world.far))["blob_storage_used"] is True
    assert (await download(world, uuid, world.far_node)).body == b"partial"


async def test_a_text_that_looks_like_an_upload_gives_nobody_anything_without_being_one(world: World) -> None:
    uuid = await upload(world, b"mine")
    task = await task_with(world, READABLE)
    async with world.api.db.transaction() as tx:
        # as if it had been sent while there was no store
        await tx.session.execute(update(run_inputs).values(input=uuid, reference=uuid))

    answer = await download(world, uuid)

    assert (await world.run_of(task, world.near))["blob_storage_used"] is False
    assert answer.status == 404


# -- without a store -------------------------------------------------------------------------------


async def test_without_a_store_clients_hear_so(api: Api) -> None:
    world = await World.made(api)
    task = await world.task(world.near)
    await world.patch(await world.run_of(task, world.near), world.near_node, status="completed", result="cmVzdWx0")

    for caller in (world.researcher, world.near_node, world.stranger):
        status = await api.get(f"{PATH}/status", caller)
        assert (status.status_code, status.json()) == (200, {"blob_store_enabled": False})
        assert (await api.post(PATH, caller)).status_code == 501
        assert (await api.get(f"{PATH}/nothing", caller)).status_code == 404
    assert (await api.get(f"{PATH}/cmVzdWx0", world.near_node)).status_code == 501
    assert (await api.get(f"{PATH}/cmVzdWx0", world.stranger)).status_code == 401
    assert (await api.get(f"{PATH}/cmVzdWx0")).status_code == 401


# -- what does not arrive --------------------------------------------------------------------------


async def nothing_is_left(world: World, folder: Path) -> bool:
    return files(folder) == set() and await world.api.count(blobs) == 0


@pytest.mark.parametrize("size", [10, 12 * MEBIBYTE], ids=["small", "in parts"])
async def test_an_upload_that_is_cut_leaves_nothing(world: World, folder: Path, size: int) -> None:
    token = world.api.auth.token(world.researcher)
    half = each(*[bytes(MEBIBYTE)] * (size // MEBIBYTE), b"x")

    answer = await exchange(world.api.service.asgi, "POST", PATH, token, half, cut=True)

    assert answer.status == 400
    assert answer.json()["code"] == "upload_cut"
    assert await nothing_is_left(world, folder)


async def test_an_upload_that_is_given_up_in_the_middle_leaves_nothing(world: World, folder: Path) -> None:
    came = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(MEBIBYTE)
        came.set()
        await asyncio.Event().wait()

    blobs_of_patient = the_blobs(world)
    blobs_of_patient._stall_seconds = 3600
    uploading = asyncio.create_task(blobs_of_patient.take(world.researcher, endless()))
    await came.wait()
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading

    assert await nothing_is_left(world, folder)


async def test_an_upload_that_stands_still_is_ended(world: World, folder: Path) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    answer = await exchange(world.api.service.asgi, "POST", PATH, world.api.auth.token(world.researcher), stalling())

    assert (answer.status, answer.json()["code"]) == (400, "upload_cut")
    assert await nothing_is_left(world, folder)


async def test_an_upload_over_the_limit_is_refused_whether_it_says_so_or_not(database_url: str, folder: Path) -> None:
    api = Api(database_url, blob_store=folder.as_uri(), blob_max_bytes=2000, max_body_bytes=1024)
    world = await World.made(api)
    token = api.auth.token(world.researcher)

    announced = await api.http.post(PATH, content=bytes(2001), headers=bearer(token))
    unannounced = await exchange(api.service.asgi, "POST", PATH, token, each(bytes(1500), bytes(501)))
    allowed = await exchange(api.service.asgi, "POST", PATH, token, each(bytes(1500), bytes(500)))
    elsewhere = await api.http.post("/api/task", content=bytes(1025), headers=bearer(token))

    told = (announced.status_code, unannounced.status, allowed.status, elsewhere.status_code)
    assert told == (413, 413, 200, 413)
    assert unannounced.json()["code"] == "body_too_large"
    assert files(folder) == {allowed.json()["uuid"]}
    assert await api.count(blobs) == 1
    await api.close()


def break_store(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


async def test_a_store_that_is_away_is_told_and_nothing_is_left(world: World, folder: Path) -> None:
    uuid = await upload(world, b"x")
    await task_with(world, uuid)
    break_store(folder)

    refused = await exchange(world.api.service.asgi, "POST", PATH, world.api.auth.token(world.researcher), each(b"x"))
    lost = await download(world, uuid)

    assert (refused.status, lost.status) == (503, 503)
    assert await world.api.count(blobs) == 1


async def test_a_payload_that_the_store_lost_is_not_found(world: World, folder: Path) -> None:
    uuid = await upload(world, b"x")
    await task_with(world, uuid)
    (folder / uuid).unlink()

    assert (await download(world, uuid)).status == 404


async def test_more_uploads_than_are_read_at_once_wait_for_their_turn(database_url: str, folder: Path) -> None:
    api = Api(database_url, blob_store=folder.as_uri(), blob_uploads_at_once=1)
    world = await World.made(api)
    token = api.auth.token(world.researcher)
    begun, may_end, second_begun = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        begun.set()
        await may_end.wait()

    async def quick() -> AsyncIterator[bytes]:
        second_begun.set()
        yield b"y"

    first = asyncio.create_task(exchange(api.service.asgi, "POST", PATH, token, slow()))
    await begun.wait()
    second = asyncio.create_task(exchange(api.service.asgi, "POST", PATH, token, quick()))
    # everything else goes on meanwhile
    assert (await api.get(f"{PATH}/status", world.researcher)).status_code == 200
    waited = not second_begun.is_set()
    may_end.set()

    assert [answer.status for answer in await asyncio.gather(first, second)] == [200, 200]
    assert waited
    await api.close()


# -- memory and the database -----------------------------------------------------------------------


def resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not say")


class Watched:
    """Pieces of a large body, and how much memory there was at most while they were asked for and given."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._before = resident()
        self.sum = 0
        self.peak = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        for index in range(self._number):
            self._look()
            yield index.to_bytes(4) * (MEBIBYTE // 4)

    def take(self, piece: bytes) -> None:
        self._look()
        self.sum += len(piece)

    def _look(self) -> None:
        self.peak = max(self.peak, resident() - self._before)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
async def test_200_mebibytes_go_in_and_out_through_a_few(sqlite_template: Path, tmp_path: Path, folder: Path) -> None:
    database = tmp_path / "large.db"
    shutil.copy(sqlite_template, database)
    api = Api(f"sqlite+aiosqlite:///{database}", blob_store=folder.as_uri())
    world = await World.made(api)
    token = api.auth.token(world.researcher)
    # the library's own start is no part of it
    await upload(world, bytes(8 * MEBIBYTE))

    going_in = Watched(200)
    uuid = (await exchange(api.service.asgi, "POST", PATH, token, going_in.pieces())).json()["uuid"]
    await task_with(world, uuid)
    going_out = Watched(0)
    answer = await exchange(api.service.asgi, "GET", f"{PATH}/{uuid}", token, take=going_out.take)

    assert (folder / uuid).stat().st_size == going_out.sum == 200 * MEBIBYTE
    assert answer.complete
    # our own share, and all of it with what the library holds
    assert tracemalloc.get_traced_memory()[1] < 20 * MEBIBYTE
    assert going_in.peak < 64 * MEBIBYTE
    assert going_out.peak < 64 * MEBIBYTE
    await api.close()


async def test_no_connection_to_the_database_is_held_while_bytes_flow(world: World) -> None:
    in_use = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            in_use.append(world.api.db.engine.pool.checkedout())
            yield b"x"

    token = world.api.auth.token(world.researcher)
    uuid = (await exchange(world.api.service.asgi, "POST", PATH, token, pieces())).json()["uuid"]
    await task_with(world, uuid)
    await exchange(
        world.api.service.asgi,
        "GET",
        f"{PATH}/{uuid}",
        token,
        take=lambda _: in_use.append(world.api.db.engine.pool.checkedout()),
    )

    assert len(in_use) > 3
    assert set(in_use) == {0}


async def test_uploads_and_downloads_cost_few_statements(world: World) -> None:
    with world.api.counting() as uploading:
        uuid = await upload(world, b"x")
    await task_with(world, uuid)
    with world.api.counting() as downloading:
        await download(world, uuid)

    assert (len(uploading), len(downloading)) == (2, 1)


# -- clearing away ---------------------------------------------------------------------------------


async def collected(world: World, folder: Path) -> set[str]:
    """What is left once it was cleared away."""
    await the_blobs(world).collect()
    async with world.api.db.read() as session:
        noted = set((await session.execute(select(blobs.c.blob_id))).scalars())
    assert files(folder) == noted
    return noted


async def test_uploads_are_kept_for_as_long_as_a_payload_refers_to_them(world: World, folder: Path) -> None:
    given, result, fresh = [
        await upload(world, b"x", caller) for caller in (world.researcher, world.near_node, world.researcher)
    ]
    task = await task_with(world, given)
    await world.patch(await world.run_of(task, world.near), world.near_node, status="completed", result=result)

    assert await collected(world, folder) == {given, result, fresh}
    await world.api.pass_time(25 * 3600)
    assert await collected(world, folder) == {given, result}
    assert (await world.api.delete(f"/api/task/{task['id']}", world.api.root)).status_code == 200
    assert await collected(world, folder) == set()


async def test_a_result_that_another_took_the_place_of_is_cleared_away(world: World, folder: Path) -> None:
    run = await world.run_of(await world.task(world.near), world.near)
    first, second = [await upload(world, b"x", world.near_node) for _ in range(2)]
    for result in (first, second):
        await world.patch(run, world.near_node, result=result)

    assert await collected(world, folder) == {second}


async def test_an_upload_is_kept_until_the_last_of_several_payloads_is_gone(world: World, folder: Path) -> None:
    uuid = await upload(world, b"x")
    first, second = [await task_with(world, uuid) for _ in range(2)]

    await world.api.delete(f"/api/task/{first['id']}", world.api.root)
    assert await collected(world, folder) == {uuid}
    await world.api.delete(f"/api/task/{second['id']}", world.api.root)
    assert await collected(world, folder) == set()


async def test_what_a_process_left_that_died_in_the_middle_is_cleared_away(world: World, folder: Path) -> None:
    uuid = str(uuid4())
    async with world.api.db.transaction() as tx:
        await repository.begin(tx.session, uuid, "user:1")
    (folder / f"{uuid}#1").write_bytes(b"half")
    await world.api.pass_time(25 * 3600)

    assert await collected(world, folder) == set()


async def test_clearing_away_goes_on_where_it_was_interrupted(world: World, folder: Path) -> None:
    uuid = await upload(world, b"x")
    await world.api.pass_time(25 * 3600)
    async with world.api.db.transaction() as tx:
        await repository.doom(tx.session, unused_seconds=3600, limit=10)

    refused = await world.post(organizations=[{"id": world.near, "input": uuid}])

    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_upload")
    assert await collected(world, folder) == set()


async def test_an_upload_that_ends_after_it_was_given_up_is_refused(world: World, folder: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await world.api.pass_time(25 * 3600)
        await the_blobs(world).collect()

    answer = await exchange(world.api.service.asgi, "POST", PATH, world.api.auth.token(world.researcher), slow())

    assert (answer.status, answer.json()["code"]) == (400, "upload_cut")
    assert await nothing_is_left(world, folder)


async def test_several_replicas_may_clear_away_at_once(world: World, folder: Path) -> None:
    for _ in range(3):
        await upload(world, b"x")
    await world.api.pass_time(25 * 3600)

    await asyncio.gather(*(the_blobs(world).collect() for _ in range(3)))

    assert await nothing_is_left(world, folder)


async def test_an_upload_that_begins_to_be_used_is_not_cleared_away_at_the_same_moment(
    postgres: "PostgresServer", postgres_template: str, folder: Path
) -> None:
    # SQLite lets writers in one after the other
    api = Api(postgres.create_database("api", template=postgres_template), blob_store=folder.as_uri())
    world = await World.made(api)
    uuid = await upload(world, b"x")
    await api.pass_time(25 * 3600)

    async with api.db.transaction() as claiming:
        await uploads.claim(claiming, world.researcher, [uuid])
        async with api.db.transaction() as clearing:
            doomed = await repository.doom(clearing.session, unused_seconds=3600, limit=10)

    assert doomed == []
    await api.close()


async def test_payloads_are_found_by_an_index(world: World) -> None:
    await task_with(world, await upload(world, b"x"))
    analyze = "EXPLAIN QUERY PLAN" if world.api.db.dialect == "sqlite" else "EXPLAIN"
    statement = select(func.count()).select_from(run_inputs).where(run_inputs.c.reference == "x")
    other = select(func.count()).select_from(run_results).where(run_results.c.reference == "x")

    async with world.api.db.engine.connect() as connection:
        if world.api.db.dialect == "postgresql":
            # a table of one row is read whole otherwise
            await connection.exec_driver_sql("SET enable_seqscan = off")
        plans = []
        for query in (statement, other):
            text = str(query.compile(world.api.db.engine.sync_engine, compile_kwargs={"literal_binds": True}))
            rows = (await connection.exec_driver_sql(f"{analyze} {text}")).all()
            plans.append(" ".join(str(row[-1]) for row in rows))

    assert "ix_run_inputs_reference" in plans[0]
    assert "ix_run_results_reference" in plans[1]
