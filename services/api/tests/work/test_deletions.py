"""What goes with a study, a collaboration, an organization or a user: all their tasks, ended first, and no more."""

from typing import Any

from sqlalchemy import select

from services.api.tests.work.world import World
from sextant_api.kills.service import kill_all
from sextant_api.models import run_inputs, run_logs, run_results, runs, task_databases, tasks
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.events import NodeChanged, RunStatusChanged, TaskKilled
from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY

OF_TASKS = (tasks, runs, run_inputs, run_results, run_logs, task_databases)


async def family(world: World, **changes: Any) -> list[dict[str, Any]]:
    """A task, its child at far and its grandchild at both; the first has a result already."""
    task = await world.task(world.near, databases=[{"label": "ages"}], **changes)
    child = await world.task(world.far, caller=world.container(task), collaboration_id=None)
    grandchild = await world.task(caller=world.container(child, world.far_node), collaboration_id=None)
    run = await world.run_of(task, world.near)
    await world.patch(run, world.near_node, status="active", result="eA==", log="so far")
    await world.api.forget_events()
    return [task, child, grandchild]


async def rows(world: World) -> list[int]:
    return [await world.api.count(table) for table in OF_TASKS]


async def killed(world: World) -> list[tuple[int, int, set[tuple[int, int]]]]:
    """What nodes were told to stop: job, collaboration, and the tasks with the organizations that ran them."""
    return [
        (event.task_id, event.collaboration_id, {(run.task_id, run.organization_id) for run in event.runs})
        for event in [TaskKilled.opened(fact) for fact in await world.api.events(TaskKilled)]
    ]


async def delete(world: World, path: str, *, dependents: bool) -> int:
    params = {"delete_dependents": "true"} if dependents else {"delete_dependents": "false"}
    return (await world.api.call("DELETE", path, world.api.root, params=params)).status_code


async def test_with_a_study_go_its_tasks_and_all_that_descends_from_them(world: World) -> None:
    study = await world.api.add_study("study", world.collaboration, [world.near, world.far])
    other = await world.task(world.near)
    before = await rows(world)
    task, child, grandchild = await family(world, collaboration_id=None, study_id=study)
    path = f"/api/study/{study}"

    assert await delete(world, path, dependents=False) == 400
    assert await delete(world, path, dependents=True) == 200

    assert await rows(world) == before
    assert await world.status(other) == "pending"
    assert await killed(world) == [
        (
            task["id"],
            world.collaboration,
            {
                (task["id"], world.near),
                (child["id"], world.far),
                (grandchild["id"], world.near),
                (grandchild["id"], world.far),
            },
        )
    ]


async def test_with_a_study_go_subtasks_in_it_of_tasks_that_are_not(world: World) -> None:
    study = await world.api.add_study("study", world.collaboration, [world.near, world.far])
    parent = await world.task(world.near)
    child = await world.task(world.far, caller=world.container(parent), collaboration_id=None, study_id=study)
    await world.api.forget_events()

    assert await delete(world, f"/api/study/{study}", dependents=True) == 200

    assert await world.status(parent) == "pending"
    assert (await world.api.get(f"/api/task/{child['id']}", world.researcher)).status_code == 404
    assert await killed(world) == [(parent["id"], world.collaboration, {(child["id"], world.far)})]


async def test_with_a_collaboration_go_its_tasks_and_its_nodes_are_told_first(world: World) -> None:
    elsewhere = await world.api.add_collaboration("elsewhere", [world.near])
    await world.api.add_node(world.near, elsewhere)
    other = await world.task(world.near, collaboration_id=elsewhere)
    before = await rows(world)
    first, second = await world.task(world.near), await world.task(world.far)
    await world.api.forget_events()
    path = f"/api/collaboration/{world.collaboration}"

    assert await delete(world, path, dependents=False) == 400
    assert await delete(world, path, dependents=True) == 200

    assert await rows(world) == before
    assert await world.status(other) == "pending"
    assert await killed(world) == [
        (first["id"], world.collaboration, {(first["id"], world.near)}),
        (second["id"], world.collaboration, {(second["id"], world.far)}),
    ]
    types = [envelope.type for envelope in await world.api.events(TaskKilled, NodeChanged)]
    assert types == [TaskKilled.type] * 2 + [NodeChanged.type] * 2


async def test_with_an_organization_go_its_tasks_with_subtasks_that_others_made_for_them(world: World) -> None:
    task, child, grandchild = await family(world)
    of_far = await world.task(world.far, caller=world.colleague)
    await world.api.forget_events()
    path = f"/api/organization/{world.near}"

    assert await delete(world, path, dependents=False) == 400
    assert await delete(world, path, dependents=True) == 200

    async with world.api.db.read() as session:
        assert list((await session.execute(select(tasks.c.id))).scalars()) == [of_far["id"]]
    assert await world.api.count(runs) == await world.api.count(run_inputs) == 1
    assert await world.api.count(run_results) == await world.api.count(run_logs) == 0
    assert await killed(world) == [
        (
            task["id"],
            world.collaboration,
            {
                (task["id"], world.near),
                (child["id"], world.far),
                (grandchild["id"], world.near),
                (grandchild["id"], world.far),
            },
        )
    ]


async def test_tasks_of_others_go_on_without_an_organization_that_is_deleted(world: World) -> None:
    waiting, failed, alone = [await world.task(*who) for who in ((), (), (world.far,))]
    await world.complete_near(waiting)
    await world.patch(await world.run_of(failed, world.near), world.near_node, status="completed", result="eA==")
    await world.patch(await world.run_of(failed, world.far), world.far_node, status="crashed")
    assert [await world.status(task) for task in (waiting, failed, alone)] == ["pending", "crashed", "pending"]
    await world.api.forget_events()

    assert await delete(world, f"/api/organization/{world.far}", dependents=True) == 200

    # as if it had never been asked
    assert [await world.status(task) for task in (waiting, failed, alone)] == ["completed"] * 3
    assert await killed(world) == [
        (waiting["id"], world.collaboration, {(waiting["id"], world.far)}),
        (alone["id"], world.collaboration, {(alone["id"], world.far)}),
    ]
    # whoever waits for these tasks looks again
    told = [RunStatusChanged.opened(fact).task_id for fact in await world.api.events(RunStatusChanged)]
    assert told == [waiting["id"], alone["id"]]


async def test_auth_is_told_how_many_tasks_a_user_has(world: World) -> None:
    await family(world)
    await world.task(world.far, caller=world.colleague)
    service = world.api.auth.service_token(AUTH)

    counts = [
        (await world.api.get(f"/internal/users/{user}/tasks", service)).json()
        for user in (world.researcher.id, world.colleague.id, 987654)
    ]

    # subtasks are made for whoever made the first task
    assert counts == [{"count": 3}, {"count": 1}, {"count": 0}]


async def test_auth_may_have_all_tasks_of_a_user_ended_and_deleted(world: World) -> None:
    other = await world.task(world.far, caller=world.colleague)
    before = await rows(world)
    task, *_ = await family(world)
    second = await world.task(world.near)
    await world.api.forget_events()
    service = world.api.auth.service_token(AUTH)
    path = f"/internal/users/{world.researcher.id}/tasks"

    first_time, second_time = [await world.api.call("DELETE", path, service) for _ in range(2)]

    assert (first_time.status_code, first_time.json()) == (200, {"count": 4})
    assert (second_time.status_code, second_time.json()) == (200, {"count": 0})
    assert await rows(world) == before
    assert await world.status(other) == "pending"
    assert [(job, len(ended)) for job, _, ended in await killed(world)] == [(task["id"], 4), (second["id"], 1)]


async def test_a_task_that_was_made_while_its_user_was_being_deleted_is_one_like_others(world: World) -> None:
    service = world.api.auth.service_token(AUTH)
    await world.api.call("DELETE", f"/internal/users/{world.researcher.id}/tasks", service)
    task = await world.task(world.near)
    world.api.auth.remove(world.researcher)
    path = f"/api/task/{task['id']}"

    shown = await world.api.get(path, world.colleague)
    listed = (await world.api.get("/api/task", world.colleague)).json()["data"]
    of_nobody = await world.api.get("/api/task", world.colleague, init_user_id=world.researcher.id)
    ended = await world.api.post("/api/kill/task", world.admin, id=task["id"])
    deleted = await world.api.delete(path, world.api.root)

    assert (shown.status_code, shown.json()["init_user"]["id"]) == (200, world.researcher.id)
    assert listed == [shown.json()]
    # as for any user that there is not: nobody else will ever have this id
    assert of_nobody.status_code == 400
    assert (ended.status_code, deleted.status_code) == (200, 200)
    assert await world.api.count(tasks) == 0


async def test_more_tasks_than_are_ended_at_once_are_ended_all_the_same(world: World) -> None:
    made = [await world.task(world.near) for _ in range(5)]
    await world.api.forget_events()

    async with world.api.db.transaction() as tx:
        await kill_all(tx, TaskFilter(init_user_id=world.researcher.id), at_once=2)

    assert [await world.status(task) for task in made] == ["killed by user"] * 5
    assert [job for job, _, _ in await killed(world)] == [task["id"] for task in made]


async def test_nobody_but_auth_may_ask_about_or_delete_a_users_tasks(world: World) -> None:
    await world.task(world.near)
    path = f"/internal/users/{world.researcher.id}/tasks"

    for method in ("GET", "DELETE"):
        told = [
            (await world.api.call(method, path, world.api.auth.service_token(name))).status_code
            for name in (API, RELAY, VPN_REGISTRY)
        ]
        assert told == [403, 403, 403]
        assert (await world.api.call(method, path, world.api.root)).status_code == 422
        assert (await world.api.call(method, path)).status_code == 401
    assert await world.api.count(tasks) == 1
