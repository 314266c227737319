"""Making tasks: what is written and told, who may, and that what is refused leaves nothing behind."""

from typing import Any

import pytest

from services.api.tests.work.world import IMAGE, READABLE, UNREADABLE, World
from sextant_api.models import run_inputs, runs, task_databases, tasks
from sextant_shared.contract.events import TaskCreated
from sextant_shared.testing.fakes import DEFAULT_ROLES

TABLES = (tasks, runs, run_inputs, task_databases)


async def written(world: World) -> list[int]:
    return [await world.api.count(table) for table in TABLES] + [len(await world.api.events(TaskCreated))]


async def test_a_task_is_answered_in_the_shape_of_the_wire(world: World) -> None:
    answer = await world.post(
        description="of ages", databases=[{"label": "ages", "query": "SELECT 1"}, {"label": "heights"}]
    )

    body = answer.json()
    task_id = body["id"]
    assert answer.status_code == 201
    assert body.pop("created_at")[:2] == "20"
    assert body == {
        "id": task_id,
        "job_id": task_id,
        "name": "average",
        "description": "of ages",
        "image": IMAGE,
        "status": "pending",
        "finished_at": None,
        "collaboration": {
            "id": world.collaboration,
            "link": f"/api/collaboration/{world.collaboration}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "study": None,
        "algorithm_store": None,
        "init_org": {
            "id": world.near,
            "link": f"/api/organization/{world.near}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "init_user": {
            "id": world.researcher.id,
            "link": f"/api/user/{world.researcher.id}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "parent": None,
        "children": f"/api/task?parent_id={task_id}",
        "runs": f"/api/run?task_id={task_id}",
        "results": f"/api/result?task_id={task_id}",
        "databases": [
            {"label": "ages", "parameters": '{"query":"SELECT 1"}'},
            {"label": "heights", "parameters": "{}"},
        ],
    }


async def test_a_task_its_runs_and_the_fact_are_written_together(world: World) -> None:
    task = await world.task(databases=[{"label": "ages"}])

    assert await written(world) == [1, 2, 2, 1, 1]
    (fact,) = await world.api.events(TaskCreated)
    assert TaskCreated.opened(fact) == TaskCreated(
        task_id=task["id"],
        parent_id=None,
        job_id=task["id"],
        collaboration_id=world.collaboration,
        organization_ids=[world.near, world.far],
    )


async def test_each_organization_gets_its_own_input(world: World) -> None:
    task = await world.task(organizations=[{"id": world.far, "input": "ZmFy"}, {"id": world.near, "input": "bmVhcg=="}])

    inputs = {name: (await world.run_of(task, name))["input"] for name in (world.near, world.far)}
    assert inputs == {world.near: "bmVhcg==", world.far: "ZmFy"}


@pytest.mark.parametrize("organizations", [1, 30])
async def test_the_number_of_statements_does_not_grow_with_the_organizations(world: World, organizations: int) -> None:
    members = [await world.api.add_organization(f"member-{number}") for number in range(organizations)]
    large = await world.api.add_collaboration("large", [world.near, *members])
    for member in members:
        await world.api.add_node(member, large)

    with world.api.counting() as statements:
        await world.task(*members, collaboration_id=large, databases=[{"label": "ages"}])

    # place, participants, task, its job, databases, runs, inputs, outbox
    assert len(statements) == 10


async def test_a_study_stands_for_its_collaboration(world: World) -> None:
    study = await world.api.add_study("close", world.collaboration, [world.near])

    task = await world.task(world.near, collaboration_id=None, study_id=study)

    assert (task["study"]["id"], task["collaboration"]["id"]) == (study, world.collaboration)


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "12345"}, "name"),
    ({"name": "x" * 129}, "name"),
    ({"name": 5}, "name"),
    ({"description": "x" * 1025}, "description"),
    ({"image": ""}, "image"),
    ({"image": None}, "image"),
    ({"image": "a\0b"}, "image"),
    ({"organizations": []}, "organizations"),
    ({"organizations": {}}, "organizations"),
    ({"organizations": ["x"]}, "organizations"),
    ({"organizations": [{}]}, "organizations"),
    ({"organizations": [{"id": 1}]}, "organizations"),
    ({"organizations": [{"id": 1, "input": None}]}, "organizations"),
    ({"organizations": [{"id": 1, "input": {"method": "x"}}]}, "organizations"),
    ({"organizations": [{"id": True, "input": READABLE}]}, "organizations"),
    ({"collaboration_id": None}, "collaboration_id"),
    ({"collaboration_id": "abc"}, "collaboration_id"),
    ({"collaboration_id": 0}, "collaboration_id"),
    ({"organizations": [None]}, "organizations"),
    ({"study_id": -1}, "study_id"),
    ({"databases": "ages"}, "databases"),
    ({"databases": [{}]}, "databases"),
    ({"databases": ["ages"]}, "databases"),
    ({"surprise": 1}, "surprise"),
    ({"id": 1}, "id"),
]


async def test_what_makes_no_sense_is_named_and_leaves_nothing(world: World) -> None:
    told = []
    for changes, _ in NONSENSE:
        answer = await world.post(**changes)
        told.append((answer.status_code, {name.partition(".")[0] for name in answer.json()["errors"]}))

    assert told == [(400, {field}) for _, field in NONSENSE]
    assert await written(world) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("number", [987654, 987654.5, 10**30])
async def test_a_number_that_nothing_has_names_nothing(world: World, number: float) -> None:
    for field in ("collaboration_id", "study_id"):
        answer = await world.post(**{field: number})
        assert (answer.status_code, "errors" in answer.json()) == (404, False)
    answer = await world.post(organizations=[{"id": number, "input": READABLE}])
    assert (answer.status_code, "errors" in answer.json()) == (400, False)


@pytest.mark.parametrize("wrong", [{}, {"id": 1}, {"id": "abc", "input": READABLE}, {"id": 1, "input": 5}])
async def test_what_is_wrong_inside_of_an_item_is_told_of_the_list(world: World, wrong: dict[str, Any]) -> None:
    organizations = await world.post(organizations=[{"id": world.near, "input": READABLE}, wrong])
    databases = await world.post(databases=[{"label": "ages"}, {}])
    no_item = await world.post(organizations=["x"], databases=[None])

    assert list(organizations.json()["errors"]) == ["organizations"]
    [problem] = organizations.json()["errors"]["organizations"]
    assert problem.startswith("Value error, 1.")
    assert databases.json()["errors"] == {"databases": ["Value error, 1.label: Field required"]}
    assert {field: list(told) for field, told in no_item.json()["errors"].items()} == {
        "organizations": ["0"],
        "databases": ["0"],
    }


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("content", [b"", b"x", b"{}"])
async def test_a_task_that_does_not_say_that_it_is_json_is_a_bad_request(
    world: World, headers: dict[str, str], content: bytes
) -> None:
    token = world.api.auth.token(world.researcher)

    answer = await world.api.http.request(
        "POST", "/api/task", content=content, headers={**headers, "Authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "no_json")


async def test_null_is_no_study(world: World) -> None:
    answer = await world.api.call("POST", "/api/task", world.researcher, json={**world.asked(), "study_id": None})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["study_id"])


async def test_a_number_without_bounds_is_refused(world: World) -> None:
    told = []
    for number in ("1e999", "-1e999", "NaN"):
        answer = await world.api.http.post(
            "/api/task",
            content=f'{{"image": "x", "collaboration_id": {number}, "organizations": [{{"id": 1, "input": ""}}]}}',
            headers={
                "Authorization": f"Bearer {world.api.auth.token(world.researcher)}",
                "Content-Type": "application/json",
            },
        )
        told.append((answer.status_code, list(answer.json()["errors"])))

    assert told == [(400, ["collaboration_id"])] * 3


async def test_what_does_not_exist_is_404_and_leaves_nothing(world: World) -> None:
    told = [
        (await world.post(**changes)).status_code
        for changes in (
            {"collaboration_id": 987654},
            {"collaboration_id": None, "study_id": 987654},
            {"store_id": 987654},
        )
    ]

    assert told == [404, 404, 404]
    assert await written(world) == [0, 0, 0, 0, 0]


async def test_an_organization_that_is_no_member_is_refused_and_leaves_nothing(world: World) -> None:
    answer = await world.post(world.near, world.strange)

    assert answer.status_code == 400
    assert str(world.strange) in answer.json()["msg"]
    assert await written(world) == [0, 0, 0, 0, 0]


async def test_an_organization_without_a_node_is_refused(world: World) -> None:
    lonely = await world.api.add_organization("lonely")
    collaboration = await world.api.add_collaboration("hopeful", [world.near, lonely])

    answer = await world.post(lonely, collaboration_id=collaboration)

    assert answer.status_code == 400
    assert await written(world) == [0, 0, 0, 0, 0]


async def test_an_organization_outside_of_the_study_is_refused(world: World) -> None:
    study = await world.api.add_study("close", world.collaboration, [world.near])

    answer = await world.post(world.far, study_id=study)

    assert answer.status_code == 400
    assert await written(world) == [0, 0, 0, 0, 0]


async def test_a_study_of_another_collaboration_is_refused(world: World) -> None:
    other = await world.api.add_collaboration("other", [world.near])
    study = await world.api.add_study("elsewhere", other, [world.near])

    answer = await world.post(world.near, study_id=study)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("encrypted", "expected"),
    [
        (False, {READABLE: 201, "": 201, UNREADABLE: 400, "no base64": 400}),
        (True, {READABLE: 400, "": 400, UNREADABLE: 201, f"{UNREADABLE}${UNREADABLE}${UNREADABLE}": 201}),
    ],
)
async def test_inputs_are_readable_only_where_nothing_is_encrypted(
    world: World, *, encrypted: bool, expected: dict[str, int]
) -> None:
    collaboration = await world.api.add_collaboration("judged", [world.near], encrypted=encrypted)
    await world.api.add_node(world.near, collaboration)

    told = {}
    for text in expected:
        answer = await world.post(collaboration_id=collaboration, organizations=[{"id": world.near, "input": text}])
        told[text] = answer.status_code

    assert told == expected


async def test_a_user_needs_the_right_to_create(world: World) -> None:
    expected = {
        DEFAULT_ROLES["Researcher"]: 201,
        frozenset({"task:COLLABORATION:CREATE"}): 201,
        frozenset({"task:GLOBAL:CREATE"}): 201,
        DEFAULT_ROLES["Viewer"]: 401,
        frozenset({"task:GLOBAL:VIEW", "task:GLOBAL:DELETE"}): 401,
        frozenset(): 401,
    }

    told = {}
    for rules in expected:
        user = world.api.auth.add_user(organization_id=world.near, rules=rules)
        told[rules] = (await world.post(caller=user)).status_code

    assert told == expected


async def test_no_right_is_enough_where_the_own_organization_is_no_member(world: World) -> None:
    root_elsewhere = world.api.auth.add_user(organization_id=world.strange, role="Root")

    assert (await world.post(caller=root_elsewhere)).status_code == 401
    assert (await world.post(caller=world.stranger)).status_code == 401


async def test_nodes_make_no_tasks(world: World) -> None:
    assert (await world.post(caller=world.near_node)).status_code == 403


async def test_a_container_makes_a_subtask_of_its_own_task(world: World) -> None:
    task = await world.task(databases=[{"label": "ages"}])

    subtask = await world.task(world.far, caller=world.container(task), databases=[{"label": "ages"}])

    assert subtask["parent"] == {"id": task["id"], "link": f"/api/task/{task['id']}", "methods": ["DELETE", "GET"]}
    for inherited in ("job_id", "init_user", "image", "collaboration", "study", "algorithm_store", "databases"):
        assert subtask[inherited] == task[inherited]
    assert subtask["init_org"]["id"] == world.near
    fact = TaskCreated.opened((await world.api.events(TaskCreated))[-1])
    assert (fact.task_id, fact.parent_id, fact.job_id) == (subtask["id"], task["id"], task["id"])


async def test_a_subtask_comes_from_the_organization_whose_node_runs_the_parent(world: World) -> None:
    task = await world.task()

    subtask = await world.task(world.near, caller=world.container(task, world.far_node))

    assert (subtask["init_org"]["id"], subtask["init_user"]["id"]) == (world.far, world.researcher.id)


async def test_a_subtask_stays_in_the_study_of_its_parent(world: World) -> None:
    study = await world.api.add_study("close", world.collaboration, [world.near])
    task = await world.task(world.near, study_id=study)

    inside = await world.post(world.near, caller=world.container(task))
    outside = await world.post(world.far, caller=world.container(task))

    assert (inside.status_code, inside.json()["study"]["id"]) == (201, study)
    assert outside.status_code == 400


async def test_a_subtask_runs_the_image_of_its_parent_even_if_another_registry_is_named(world: World) -> None:
    task = await world.task()

    subtask = await world.task(caller=world.container(task), image=f"mirror.example/{IMAGE}")

    assert subtask["image"] == IMAGE


async def test_a_container_may_not_leave_its_image_or_its_collaboration(world: World) -> None:
    other = await world.api.add_collaboration("other", [world.near])
    await world.api.add_node(world.near, other)
    task = await world.task()

    image = await world.post(caller=world.container(task), image="registry.example/evil:1")
    collaboration = await world.post(world.near, caller=world.container(task), collaboration_id=other)

    assert (image.status_code, image.json()["code"]) == (401, "wrong_image")
    assert collaboration.status_code == 401


async def test_a_container_is_held_to_encryption_too(world: World) -> None:
    secret = await world.api.add_collaboration("secret", [world.near], encrypted=True)
    node = await world.api.add_node(world.near, secret)
    task = await world.task(collaboration_id=secret, organizations=[{"id": world.near, "input": UNREADABLE}])

    answer = await world.post(world.near, caller=world.container(task, node), collaboration_id=secret)

    assert answer.status_code == 400


async def test_a_container_ends_with_its_run(world: World) -> None:
    task = await world.task()
    token = world.container(task)
    await world.patch(await world.run_of(task, world.near), world.near_node, status="completed")

    subtask = await world.post(caller=token)
    view = await world.api.get("/api/task", token)

    assert (subtask.status_code, subtask.json()["code"]) == (401, "container_ended")
    assert (view.status_code, view.json()["code"]) == (401, "container_ended")
    # the far node's goes on
    assert (await world.post(caller=world.container(task, world.far_node))).status_code == 201


async def test_a_container_of_a_deleted_task_gets_nowhere(world: World) -> None:
    task = await world.task()
    await world.api.delete(f"/api/task/{task['id']}", world.researcher)

    assert (await world.post(caller=world.container(task))).status_code == 401


async def test_a_container_of_a_node_without_a_run_gets_nowhere(world: World) -> None:
    task = await world.task(world.far)

    assert (await world.post(caller=world.container(task, world.near_node))).status_code == 401
