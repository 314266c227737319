"""Polls of a task's status are held: woken by what happens, let go when the time is up, and cheap meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx2

from services.api.tests.kit import Api
from services.api.tests.work.world import World
from sextant_api.tasks.status_watch import StatusWatch
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import RunStatusChanged
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db import Database

LONG = 300.0
"""Longer than any test may take: what happens happens for another reason than that the time is up."""
GUARD = 30.0
"""After that a test has failed."""


@asynccontextmanager
async def running(database_url: str, *, with_bus: bool = True, **settings: Any) -> AsyncIterator[World]:
    """A world in an api whose tasks run."""
    patience = {"status_hold_seconds": LONG, "status_settle_seconds": LONG, "status_recheck_seconds": LONG}
    api = Api(database_url, **(patience | settings))
    jobs = [*api.service.tasks, *([api.bus.run] if with_bus else [])]
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    try:
        yield await World.made(api)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await api.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.01)


async def begin(world: World, task: dict[str, Any], *, polls: int = 1) -> list[asyncio.Task[httpx2.Response]]:
    """Begin to poll, and wait until the polls are held."""
    watch = world.api.collaborators.status_watch
    before = watch.waiting
    held = [
        asyncio.create_task(world.api.get(f"/api/task/{task['id']}/status", world.researcher)) for _ in range(polls)
    ]
    await until(lambda: watch.waiting == before + polls)
    return held


async def told(poll: asyncio.Task[httpx2.Response]) -> tuple[int, str | None]:
    async with asyncio.timeout(GUARD):
        answer = await poll
    return answer.status_code, answer.json().get("status")


async def test_a_held_poll_is_answered_when_the_task_ends(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        (poll,) = await begin(world, task)

        await world.patch(await world.run_of(task, world.near), world.near_node, status="completed", result="eA==")

        assert await told(poll) == (200, "completed")


async def test_a_task_that_has_ended_is_told_at_once(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        await world.complete_near(task)

        assert await told(asyncio.create_task(world.api.get(f"/api/task/{task['id']}/status", world.researcher))) == (
            200,
            "completed",
        )


async def test_a_poll_is_let_go_when_the_time_is_up(database_url: str) -> None:
    async with running(database_url, status_hold_seconds=0.05) as world:
        task = await world.task(world.near)

        answer = await world.api.get(f"/api/task/{task['id']}/status", world.researcher)

        assert (answer.status_code, answer.json()) == (200, {"status": "pending"})
        assert world.api.collaborators.status_watch.waiting == 0


async def test_a_change_that_is_not_the_end_is_told_as_well(database_url: str) -> None:
    async with running(database_url, status_settle_seconds=0.05) as world:
        task = await world.task(world.near)
        (poll,) = await begin(world, task)

        await world.patch(await world.run_of(task, world.near), world.near_node, status="active")

        assert await told(poll) == (200, "active")


async def test_the_end_is_told_if_it_follows_on_the_heels_of_another_change(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        run = await world.run_of(task, world.near)
        (poll,) = await begin(world, task)

        for status in ("initializing", "active", "completed"):
            await world.patch(run, world.near_node, status=status)

        assert await told(poll) == (200, "completed")


async def test_a_poll_of_a_task_that_is_deleted_meanwhile_is_404(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        (poll,) = await begin(world, task)

        await world.api.delete(f"/api/task/{task['id']}", world.researcher)

        assert (await told(poll))[0] == 404


async def test_no_database_connection_is_held_meanwhile(database_url: str) -> None:
    async with running(database_url, database_pool_size=1) as world:
        task = await world.task(world.near)
        polls = await begin(world, task, polls=50)

        # the only connection is free for others, and enough to wake them all
        await world.complete_near(task)

        assert [await told(poll) for poll in polls] == [(200, "completed")] * 50


async def test_polls_are_answered_though_no_message_arrives(database_url: str) -> None:
    async with running(database_url, with_bus=False, status_recheck_seconds=0.05) as world:
        task = await world.task(world.near)
        (poll,) = await begin(world, task)

        await world.complete_near(task)

        assert await told(poll) == (200, "completed")


async def test_all_are_let_go_before_the_process_ends(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        polls = await begin(world, task, polls=3)

        for drain in world.api.service.drain:
            await drain()

        assert [await told(poll) for poll in polls] == [(200, "pending")] * 3
        late = asyncio.create_task(world.api.get(f"/api/task/{task['id']}/status", world.researcher))
        assert await told(late) == (200, "pending")


async def test_who_may_not_see_the_task_is_not_held(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)

        for caller, status in ((world.stranger, 401), (world.near_node, 403)):
            poll = asyncio.create_task(world.api.get(f"/api/task/{task['id']}/status", caller))
            assert (await told(poll))[0] == status


async def test_a_container_is_held_for_its_subtask(database_url: str) -> None:
    async with running(database_url) as world:
        task = await world.task(world.near)
        token = world.container(task)
        subtask = await world.task(world.near, caller=token)
        watch = world.api.collaborators.status_watch
        poll = asyncio.create_task(world.api.get(f"/api/task/{subtask['id']}/status", token))
        await until(lambda: watch.waiting == 1)

        await world.complete_near(subtask)

        assert await told(poll) == (200, "completed")


async def test_a_thousand_who_wait_cost_one_statement(world: World) -> None:
    task = await world.task(world.near)
    watch = StatusWatch(world.api.db, hold_seconds=LONG, settle_seconds=LONG, recheck_seconds=LONG)
    with ExitStack() as stack:
        followers = [stack.enter_context(watch.follow(task["id"])) for _ in range(1000)]
        waiting = [asyncio.create_task(follower.until_worth_telling(RunStatus.PENDING)) for follower in followers]
        await world.complete_near(task)
        with world.api.counting() as statements:
            job = asyncio.create_task(watch.run())
            await watch.on_gap()
            async with asyncio.timeout(GUARD):
                statuses = await asyncio.gather(*waiting)
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)

    assert set(statuses) == {RunStatus.COMPLETED}
    assert len(statements) == 1
    assert watch.waiting == 0


async def test_tasks_that_nobody_waits_for_are_not_looked_up(world: World) -> None:
    task = await world.task(world.near)
    await world.complete_near(task)
    watch = StatusWatch(world.api.db, hold_seconds=LONG, settle_seconds=LONG, recheck_seconds=LONG)

    for envelope in await world.api.events(RunStatusChanged):
        await watch.on_event(envelope)

    assert not watch._woken.is_set()


class Flickering(Database):
    """A database that is away for the first questions."""

    failures = 3

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("away")
        async with super().read() as session:
            yield session


async def test_the_watch_survives_a_lost_database(world: World) -> None:
    task = await world.task(world.near)
    async with Flickering(world.api.db.url, source="api") as flickering:
        watch = StatusWatch(flickering, hold_seconds=LONG, settle_seconds=LONG, recheck_seconds=0.01)
        await world.complete_near(task)
        with watch.follow(task["id"]) as follower:
            job = asyncio.create_task(watch.run())
            async with asyncio.timeout(GUARD):
                status = await follower.until_worth_telling(RunStatus.PENDING)
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)

    assert (status, flickering.failures) == (RunStatus.COMPLETED, 0)
