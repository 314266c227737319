"""Ending what runs: whole subtrees, everything at a node, and before a deletion; and who may."""

import asyncio
from typing import Any

import pytest

from services.api.tests.work.world import World
from sextant_api.models import nodes, run_inputs, run_logs, run_results, runs, task_databases, tasks
from sextant_shared.contract.events import NodeTasksKilled, RunStatusChanged, TaskKilled

EVENT_SENDERS = ("GLOBAL", "COLLABORATION", "ORGANIZATION")


async def family(world: World) -> list[dict[str, Any]]:
    """A task, its child and its grandchild."""
    task = await world.task(world.near)
    child = await world.task(world.far, caller=world.container(task))
    grandchild = await world.task(world.near, world.far, caller=world.container(child, world.far_node))
    await world.api.forget_events()
    return [task, child, grandchild]


async def kill(world: World, task_id: int, caller: Any = None) -> int:
    return (await world.api.post("/api/kill/task", caller or world.admin, id=task_id)).status_code


async def go_online(world: World, node_id: int) -> None:
    async with world.api.db.transaction() as tx:
        await tx.session.execute(nodes.update().where(nodes.c.id == node_id).values(status="online"))


async def test_a_kill_reaches_the_whole_subtree(world: World) -> None:
    members = await family(world)
    open_runs = [
        await world.run_of(members[0], world.near),
        await world.run_of(members[1], world.far),
        await world.run_of(members[2], world.near),
        await world.run_of(members[2], world.far),
    ]

    assert await kill(world, members[0]["id"]) == 200

    assert [await world.status(task) for task in members] == ["killed by user"] * 3
    (fact,) = await world.api.events(TaskKilled)
    event = TaskKilled.opened(fact)
    assert (event.task_id, event.collaboration_id) == (members[0]["id"], world.collaboration)
    assert [(entry.task_id, entry.run_id, entry.organization_id) for entry in event.runs] == [
        (run["task"]["id"], run["id"], run["organization"]["id"]) for run in open_runs
    ]
    told = [RunStatusChanged.opened(envelope) for envelope in await world.api.events(RunStatusChanged)]
    assert {(event.run_id, event.status.value, event.announce) for event in told} == {
        (run["id"], "killed by user", True) for run in open_runs
    }


async def test_what_has_ended_stays_as_it_ended(world: World) -> None:
    task = await world.task()
    near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]
    await world.patch(near, world.near_node, status="completed", result="eA==")
    await world.api.forget_events()

    assert await kill(world, task["id"]) == 200

    assert (await world.run_of(task, world.near))["status"] == "completed"
    assert (await world.run_of(task, world.far))["status"] == "killed by user"
    (fact,) = await world.api.events(TaskKilled)
    assert [entry.run_id for entry in TaskKilled.opened(fact).runs] == [far["id"]]


async def test_a_task_that_has_ended_is_400_and_nothing_is_told(world: World) -> None:
    task = await world.task()
    assert await kill(world, task["id"]) == 200
    await world.api.forget_events()

    assert await kill(world, task["id"]) == 400

    assert await world.api.events() == []


async def test_descendants_of_a_task_that_has_ended_can_still_be_killed(world: World) -> None:
    members = await family(world)
    await world.patch(await world.run_of(members[0], world.near), world.near_node, status="crashed")

    assert await kill(world, members[0]["id"]) == 200

    assert [await world.status(task) for task in members] == ["crashed", "killed by user", "killed by user"]


async def test_a_node_that_learns_of_the_kill_late_may_hand_in_the_log(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.patch(run, world.near_node, status="active", started_at="2024-03-01T10:00:00")
    await kill(world, task["id"])
    killed = await world.run_of(task, world.near)

    late = await world.patch(
        run, world.near_node, status="killed by user", result="", log="half way", finished_at="2024-03-01T10:00:00"
    )

    assert late == {**killed, "log": "half way"}
    result = await world.api.patch(f"/api/run/{run['id']}", world.near_node, status="completed", result="eA==")
    assert result.status_code == 400


async def test_a_kill_and_a_new_subtask_at_once_leave_nothing_running(world: World) -> None:
    for _ in range(5):
        task = await world.task(world.near)

        made, killed = await asyncio.gather(
            world.post(world.far, caller=world.container(task)), kill(world, task["id"])
        )

        assert killed == 200
        assert made.status_code in (201, 401)
        subtasks = (await world.api.get("/api/task", world.researcher, parent_id=task["id"])).json()["data"]
        assert [subtask["status"] for subtask in subtasks] == ["killed by user"] * len(subtasks)


async def test_who_may_end_a_task(world: World) -> None:
    told = {}
    for scope in EVENT_SENDERS:
        for organization in (world.near, world.far, world.strange):
            user = world.api.auth.add_user(organization_id=organization, rules={f"event:{scope}:SEND"})
            task = await world.task()
            told[scope, organization] = await kill(world, task["id"], user)

    assert told == {
        ("GLOBAL", world.near): 200,
        ("GLOBAL", world.far): 200,
        ("GLOBAL", world.strange): 200,
        ("COLLABORATION", world.near): 200,
        ("COLLABORATION", world.far): 200,
        ("COLLABORATION", world.strange): 401,
        ("ORGANIZATION", world.near): 401,
        ("ORGANIZATION", world.far): 401,
        ("ORGANIZATION", world.strange): 401,
    }
    assert await kill(world, task["id"], world.researcher) == 401
    assert await kill(world, task["id"], world.near_node) == 403
    assert await kill(world, 987654) == 404


async def test_a_foreign_task_is_refused_whatever_its_state(world: World) -> None:
    task = await world.task()
    await kill(world, task["id"])

    assert await kill(world, task["id"], world.stranger) == 401


@pytest.mark.parametrize("path", ["/api/kill/task", "/api/kill/node/tasks"])
async def test_bodies_that_make_no_sense_are_400(world: World, path: str) -> None:
    nonsense: tuple[dict[str, Any], ...] = ({}, {"id": None}, {"id": "abc"}, {"id": 0}, {"id": 1, "x": 1})

    told = [(await world.api.call("POST", path, world.api.root, json=body)).status_code for body in nonsense]

    assert told == [400] * len(nonsense)


async def test_a_node_is_cleared_of_all_its_runs(world: World) -> None:
    first, second = await world.task(), await world.task(world.near)
    done = await world.task(world.near)
    await world.patch(await world.run_of(done, world.near), world.near_node, status="completed")
    killed = [await world.run_of(task, world.near) for task in (first, second)]
    await go_online(world, world.near_node.id)
    await world.api.forget_events()

    answer = await world.api.post("/api/kill/node/tasks", world.admin, id=world.near_node.id)

    assert answer.status_code == 200
    assert (await world.run_of(first, world.far))["status"] == "pending"
    assert [await world.status(task) for task in (first, second, done)] == [
        "killed by user",
        "killed by user",
        "completed",
    ]
    (fact,) = await world.api.events(NodeTasksKilled)
    event = NodeTasksKilled.opened(fact)
    assert (event.node_id, event.collaboration_id) == (world.near_node.id, world.collaboration)
    assert [entry.run_id for entry in event.runs] == [run["id"] for run in killed]


async def test_a_node_is_told_to_clear_itself_even_if_nothing_is_known_to_run(world: World) -> None:
    await go_online(world, world.near_node.id)

    await world.api.post("/api/kill/node/tasks", world.admin, id=world.near_node.id)

    (fact,) = await world.api.events()
    assert NodeTasksKilled.opened(fact).runs == []


async def test_who_may_clear_a_node(world: World) -> None:
    await go_online(world, world.near_node.id)

    told = {}
    for scope in EVENT_SENDERS:
        for organization in (world.near, world.far, world.strange):
            user = world.api.auth.add_user(organization_id=organization, rules={f"event:{scope}:SEND"})
            answer = await world.api.post("/api/kill/node/tasks", user, id=world.near_node.id)
            told[scope, organization] = answer.status_code

    assert told == {
        ("GLOBAL", world.near): 200,
        ("GLOBAL", world.far): 200,
        ("GLOBAL", world.strange): 200,
        ("COLLABORATION", world.near): 200,
        ("COLLABORATION", world.far): 200,
        ("COLLABORATION", world.strange): 401,
        ("ORGANIZATION", world.near): 200,
        ("ORGANIZATION", world.far): 401,
        ("ORGANIZATION", world.strange): 401,
    }
    missing = await world.api.post("/api/kill/node/tasks", world.admin, id=987654)
    offline = await world.api.post("/api/kill/node/tasks", world.admin, id=world.far_node.id)
    foreign = await world.api.post("/api/kill/node/tasks", world.stranger, id=world.far_node.id)
    assert (missing.status_code, offline.status_code, foreign.status_code) == (404, 400, 401)


async def test_a_deleted_task_takes_its_subtree_with_runs_and_payloads(world: World) -> None:
    members = await family(world)
    for task, organization, node in (
        (members[0], world.near, world.near_node),
        (members[2], world.far, world.far_node),
    ):
        await world.patch(await world.run_of(task, organization), node, log="x", result="eA==", status="active")
    await world.api.forget_events()

    answer = await world.api.delete(f"/api/task/{members[0]['id']}", world.researcher)

    assert answer.status_code == 200
    for table in (tasks, runs, run_inputs, run_results, run_logs, task_databases):
        assert await world.api.count(table) == 0
    (fact,) = await world.api.events(TaskKilled)
    assert len(TaskKilled.opened(fact).runs) == 4
    assert (await world.api.get(f"/api/task/{members[1]['id']}", world.researcher)).status_code == 404


async def test_deleting_what_has_ended_tells_nobody_to_stop(world: World) -> None:
    task = await world.task()
    await world.complete(task)
    await world.api.forget_events()

    await world.api.delete(f"/api/task/{task['id']}", world.researcher)

    assert await world.api.events() == []


async def test_who_may_delete_a_task(world: World) -> None:
    told = {}
    for scope in ("GLOBAL", "COLLABORATION", "ORGANIZATION", "OWN"):
        for organization in (world.near, world.far, world.strange):
            rules = {f"task:{scope}:DELETE"}
            user = world.api.auth.add_user(organization_id=organization, rules=rules)
            task = await world.task()
            told[scope, organization] = (await world.api.delete(f"/api/task/{task['id']}", user)).status_code
    author = world.api.auth.add_user(organization_id=world.near, rules={"task:OWN:DELETE", "task:COLLABORATION:CREATE"})
    own = await world.task(caller=author)

    assert told == {
        ("GLOBAL", world.near): 200,
        ("GLOBAL", world.far): 200,
        ("GLOBAL", world.strange): 200,
        ("COLLABORATION", world.near): 200,
        ("COLLABORATION", world.far): 200,
        ("COLLABORATION", world.strange): 401,
        ("ORGANIZATION", world.near): 200,
        ("ORGANIZATION", world.far): 401,
        ("ORGANIZATION", world.strange): 401,
        ("OWN", world.near): 401,
        ("OWN", world.far): 401,
        ("OWN", world.strange): 401,
    }
    assert (await world.api.delete(f"/api/task/{own['id']}", author)).status_code == 200
    assert (await world.api.delete("/api/task/987654", author)).status_code == 404
    assert (await world.api.delete("/api/task/987654", world.near_node)).status_code == 403
