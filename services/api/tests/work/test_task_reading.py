"""Reading tasks, runs and results: shapes, filters, who sees what, and that a page costs the same whatever its size."""

from typing import Any

import pytest

from services.api.tests.kit import Api
from services.api.tests.work.world import IMAGE, READABLE, World
from sextant_api.models import algorithm_stores, tasks
from sextant_shared.security import Principal

PAGE_STATEMENTS = 5


async def ids(world: World, path: str, caller: Principal | str | None = None, **params: Any) -> list[int]:
    """The ids of a page; refusals show as an assertion."""
    answer = await world.api.get(path, caller or world.researcher, **params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["data"]]


async def code(world: World, path: str, caller: Principal | str | None = None, **params: Any) -> int:
    return (await world.api.get(path, caller or world.researcher, **params)).status_code


async def test_a_run_is_shown_in_the_shape_of_the_wire(world: World) -> None:
    task = await world.task(world.near)

    run = await world.run_of(task, world.near)

    assert run.pop("assigned_at")[:2] == "20"
    assert run == {
        "id": run["id"],
        "task": {"id": task["id"], "link": f"/api/task/{task['id']}", "methods": ["DELETE", "GET"]},
        "organization": {
            "id": world.near,
            "link": f"/api/organization/{world.near}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "node": {"id": world.near_node.id, "name": world.near_node.name, "ip": None, "status": "offline"},
        "ports": [],
        "results": {"id": run["id"], "link": f"/api/result/{run['id']}", "methods": ["GET", "PATCH"]},
        "status": "pending",
        "started_at": None,
        "finished_at": None,
        "cleanup_at": None,
        "blob_storage_used": False,
        "input": READABLE,
        "log": None,
    }


async def test_a_result_is_shown_in_the_shape_of_the_wire(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    before = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()
    await world.patch(run, world.near_node, status="completed", result="eA==")
    after = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()

    assert before["result"] is None
    assert after == {
        "id": run["id"],
        "run": {"id": run["id"], "link": f"/api/run/{run['id']}", "methods": ["GET", "PATCH"]},
        "task": {"id": task["id"], "link": f"/api/task/{task['id']}", "methods": ["DELETE", "GET"]},
        "result": "eA==",
        "cleanup_at": None,
        "blob_storage_used": False,
    }


async def test_a_task_holds_its_runs_and_results_on_demand(world: World) -> None:
    task = await world.task()
    await world.complete(task)
    path = f"/api/task/{task['id']}"

    alone = (await world.api.get(path, world.researcher)).json()
    full = (await world.api.get(path, world.researcher, include="runs,results")).json()
    listed = (await world.api.get("/api/task", world.researcher, include=["runs", "results"])).json()["data"][0]

    assert (alone["runs"], alone["results"]) == (f"/api/run?task_id={task['id']}", f"/api/result?task_id={task['id']}")
    assert [run["organization"]["id"] for run in full["runs"]] == [world.near, world.far]
    assert [result["result"] for result in full["results"]] == ["eA==", "eA=="]
    assert listed == full


async def test_a_run_holds_its_task_on_demand(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    shown = (await world.api.get(f"/api/run/{run['id']}", world.near_node, include="task")).json()["task"]
    (listed,) = (await world.api.get("/api/run", world.near_node, include="task")).json()["data"]

    assert shown == {name: value for name, value in task.items() if name != "runs"}
    assert listed["task"] == shown


async def test_a_run_whose_node_is_gone_shows_an_empty_node(world: World) -> None:
    task = await world.task(world.near)
    await world.api.delete(f"/api/node/{world.near_node.id}", world.api.root)

    assert (await world.run_of(task, world.near))["node"] == {}


async def test_lists_begin_with_the_newest_unless_sorted(world: World) -> None:
    made = [(await world.task(world.near, name=name))["id"] for name in ("b", "c", "a")]

    assert await ids(world, "/api/task") == made[::-1]
    assert await ids(world, "/api/task", sort="name") == [made[2], made[0], made[1]]
    assert await ids(world, "/api/task", sort="-name", per_page=2) == [made[1], made[0]]
    assert await ids(world, "/api/run", sort="task_id") == sorted(await ids(world, "/api/run"))
    assert await code(world, "/api/task", sort="surprise") == 400
    assert await code(world, "/api/result", sort="surprise") == 400


async def test_a_sort_by_another_object_or_a_payload_changes_nothing(world: World) -> None:
    for name in ("b", "c", "a"):
        await world.task(world.near, name=name)

    for path, keys in (
        ("/api/task", ("init_user", "-collaboration")),
        ("/api/run", ("log", "-organization")),
        ("/api/result", ("result", "task")),
    ):
        plain = await ids(world, path)
        assert [await ids(world, path, sort=key) for key in keys] == [plain, plain]


async def test_tasks_are_found_by_what_they_are(world: World) -> None:
    store = await world.api._insert(algorithm_stores, name="store", url="http://store", collaboration_id=None)
    study = await world.api.add_study("close", world.collaboration, [world.near])
    plain = (await world.task(name="plain", description="of nothing"))["id"]
    rich = await world.task(
        world.near,
        name="Rich_1",
        image="registry.example/other:2",
        study_id=study,
        databases=[{"label": "ages"}],
    )
    async with world.api.db.transaction() as tx:
        await tx.session.execute(tasks.update().where(tasks.c.id == rich["id"]).values(store_id=store))
    container = world.api.auth.container_token(world.near_node, task_id=rich["id"], image=rich["image"])
    child = (await world.task(world.near, caller=container, image=rich["image"], name="child"))["id"]
    run = await world.run_of(rich, world.near)
    done = (await world.task(world.near, caller=world.colleague, name="done"))["id"]
    await world.patch(await world.run_of({"id": done}, world.near), world.near_node, status="completed")

    expected = {
        ("name", "rich%"): [rich["id"]],
        ("name", "r_ch_1"): [rich["id"]],
        ("name", "rich"): [],
        ("description", "%nothing"): [plain],
        ("image", "%other%"): [child, rich["id"]],
        ("database", "ages"): [rich["id"]],
        ("database", "age"): [],
        ("status", "completed"): [done],
        ("status", "killed by user"): [],
        ("collaboration_id", world.collaboration): [done, child, rich["id"], plain],
        ("study_id", study): [child, rich["id"]],
        ("store_id", store): [child, rich["id"]],
        ("init_org_id", world.far): [done],
        ("init_user_id", world.researcher.id): [child, rich["id"], plain],
        ("init_user_id", world.colleague.id): [done],
        ("parent_id", rich["id"]): [child],
        ("job_id", rich["job_id"]): [child, rich["id"]],
        ("run_id", run["id"]): [rich["id"]],
        ("is_user_created", 0): [child],
        ("is_user_created", 1): [done, rich["id"], plain],
    }
    found = {(name, value): await ids(world, "/api/task", **{name: value}) for name, value in expected}
    assert found == expected


async def test_runs_and_results_are_found_by_what_they_are(world: World) -> None:
    first = await world.task()
    second = await world.task(world.far)
    near = (await world.run_of(first, world.near))["id"]
    far = (await world.run_of(first, world.far))["id"]
    later = (await world.run_of(second, world.far))["id"]
    await world.patch({"id": near}, world.near_node, started_at="2024-03-01T10:00:00", status="active")
    await world.patch({"id": near}, world.near_node, status="completed", finished_at="2024-03-03T10:00:00+00:00")

    expected = {
        ("task_id", first["id"]): [far, near],
        ("organization_id", world.far): [later, far],
        ("collaboration_id", world.collaboration): [later, far, near],
        ("node_id", world.near_node.id): [near],
        ("node_id", ""): [later, far, near],
        ("state", "open"): [later, far],
        ("state", ""): [later, far, near],
        ("assigned_from", "2024-03-03"): [later, far, near],
        ("assigned_till", "2024-03-03"): [],
        ("started_from", "2024-03-01"): [near],
        ("started_from", "2024-03-01T10:00:01"): [],
        ("started_till", "2024-03-01T12:00:00+02:00"): [near],
        ("finished_from", "2024-03-03T10:00:00Z"): [near],
        ("finished_till", "2024-03-03"): [],
    }
    for path in ("/api/run", "/api/result"):
        assert {(name, value): await ids(world, path, **{name: value}) for name, value in expected} == expected


async def test_filters_that_name_nothing_are_the_callers_mistake(world: World) -> None:
    by_task = {
        name: await code(world, "/api/task", world.api.root, **{name: 987654})
        for name in ("study_id", "store_id", "parent_id", "job_id", "run_id", "init_user_id")
    }
    by_run = {name: await code(world, "/api/run", world.api.root, **{name: 987654}) for name in ("task_id", "node_id")}

    assert set(by_task.values()) == set(by_run.values()) == {400}
    assert await ids(world, "/api/task", world.api.root, collaboration_id=987654) == []
    assert await ids(world, "/api/run", world.api.root, organization_id=987654) == []


async def test_filters_that_are_no_numbers_or_times_are_400(world: World) -> None:
    for path, names in (
        (
            "/api/task",
            ("collaboration_id", "study_id", "store_id", "init_org_id", "init_user_id", "parent_id", "job_id"),
        ),
        ("/api/run", ("task_id", "node_id", "collaboration_id", "organization_id", "started_from", "finished_till")),
        ("/api/run", ("port",)),
        ("/api/result", ("task_id", "assigned_from", "port")),
    ):
        assert {name: await code(world, path, **{name: "abc"}) for name in names} == dict.fromkeys(names, 400)
    assert await code(world, "/api/task", is_user_created="") == 400
    assert await code(world, "/api/task", status="sleeping") == 400
    assert await code(world, "/api/task/99999999999999999999") == 404


async def test_what_does_not_exist_is_404_and_what_is_foreign_401(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    paths = {f"/api/task/{task['id']}": "/api/task/987654"}
    paths |= {f"{path}/status": f"{missing}/status" for path, missing in paths.items()}
    paths |= {f"/api/{kind}/{run['id']}": f"/api/{kind}/987654" for kind in ("run", "result")}

    for path, missing in paths.items():
        assert (await code(world, path, world.stranger), await code(world, missing, world.stranger)) == (401, 404)


@pytest.mark.parametrize(
    ("scope", "tasks", "runs"),
    [
        # what is seen of: own task, colleague's task, task elsewhere
        ("GLOBAL", {"own", "colleague's", "elsewhere"}, 5),
        ("COLLABORATION", {"own", "colleague's"}, 4),
        ("ORGANIZATION", {"own"}, 2),
        ("OWN", {"own"}, 2),
    ],
)
async def test_lists_show_what_the_scope_reaches(world: World, scope: str, tasks: set[str], runs: int) -> None:
    viewer = world.api.auth.add_user(
        organization_id=world.near,
        rules={f"task:{scope}:VIEW", f"run:{scope}:VIEW", "task:COLLABORATION:CREATE"},
    )
    elsewhere = await world.api.add_collaboration("elsewhere", [world.strange])
    await world.api.add_node(world.strange, elsewhere)
    await world.task(caller=viewer, name="own")
    await world.task(caller=world.colleague, name="colleague's")
    foreign = await world.task(world.strange, caller=world.stranger, name="elsewhere", collaboration_id=elsewhere)

    shown = (await world.api.get("/api/task", viewer)).json()["data"]

    assert {task["name"] for task in shown} == tasks
    assert len(await ids(world, "/api/run", viewer)) == len(await ids(world, "/api/result", viewer)) == runs
    assert await code(world, f"/api/task/{foreign['id']}", viewer) == (200 if scope == "GLOBAL" else 401)
    # by name one sees what one sees in lists
    for task in shown:
        assert await code(world, f"/api/task/{task['id']}", viewer) == 200


async def test_who_may_see_nothing_is_refused(world: World) -> None:
    nobody = world.api.auth.add_user(organization_id=world.near)

    assert [await code(world, path, nobody) for path in ("/api/task", "/api/run", "/api/result")] == [401, 401, 401]


async def test_filters_reach_no_further_than_the_scope(world: World) -> None:
    elsewhere = await world.api.add_collaboration("elsewhere", [world.strange])
    node = await world.api.add_node(world.strange, elsewhere)
    study = await world.api.add_study("apart", elsewhere, [world.strange])
    foreign = await world.task(world.strange, caller=world.stranger, collaboration_id=elsewhere, study_id=study)
    by_task = {
        "collaboration_id": elsewhere,
        "study_id": study,
        "init_org_id": world.strange,
        "init_user_id": world.stranger.id,
        "parent_id": foreign["id"],
        "job_id": foreign["job_id"],
    }
    by_run = {
        "task_id": foreign["id"],
        "node_id": node.id,
        "collaboration_id": elsewhere,
        "organization_id": world.strange,
    }

    assert {name: await code(world, "/api/task", **{name: value}) for name, value in by_task.items()} == dict.fromkeys(
        by_task, 401
    )
    for path in ("/api/run", "/api/result"):
        assert {name: await code(world, path, **{name: value}) for name, value in by_run.items()} == dict.fromkeys(
            by_run, 401
        )
    assert await code(world, "/api/task", world.api.root, **by_task) == 200


async def test_results_inside_of_tasks_need_the_right_to_see_runs(world: World) -> None:
    viewer = world.api.auth.add_user(organization_id=world.near, rules={"task:COLLABORATION:VIEW"})
    own = world.api.auth.add_user(organization_id=world.near, rules={"task:OWN:VIEW", "task:COLLABORATION:CREATE"})
    task = await world.task()
    mine = await world.task(caller=own)

    assert await code(world, "/api/task", viewer, include="results") == 401
    assert await code(world, f"/api/task/{task['id']}", viewer, include="results") == 401
    assert await code(world, f"/api/task/{task['id']}", viewer, include="runs") == 200
    assert await code(world, f"/api/task/{mine['id']}", own, include="results") == 200


async def test_a_container_sees_nothing_of_other_collaborations_by_name(world: World) -> None:
    other = await world.api.add_collaboration("other", [world.near])
    await world.api.add_node(world.near, other)
    task = await world.task(world.near)
    foreign = await world.task(world.near, collaboration_id=other)
    token = world.container(task)

    assert await code(world, f"/api/task/{task['id']}", token) == 200
    assert await code(world, f"/api/task/{foreign['id']}", token) == 401
    assert await code(world, "/api/run", token, task_id=foreign["id"]) == 401
    assert await code(world, f"/api/task/{foreign['id']}", world.near_node) == 200


async def test_an_unreachable_auth_is_503_where_only_auth_knows_the_user(world: World) -> None:
    await world.task()
    assert await code(world, "/api/task") == 200
    world.api.auth.down = True

    answer = await world.api.get("/api/task", world.researcher, init_user_id=world.colleague.id)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert await code(world, "/api/task", init_user_id=world.researcher.id) == 200


@pytest.fixture
async def crowd(world: World) -> Api:
    """A hundred tasks and more, each with two runs that have a log and a result."""
    for _ in range(101):
        task = await world.task()
        for organization, node in ((world.near, world.near_node), (world.far, world.far_node)):
            await world.patch(await world.run_of(task, organization), node, status="completed", result="eA==", log="x")
    return world.api


@pytest.mark.slow
async def test_a_page_of_any_size_costs_the_same_few_statements(world: World, crowd: Api) -> None:
    newest = (await ids(world, "/api/task"))[0]
    queries: list[tuple[str, dict[str, Any]]] = [
        ("/api/task", {}),
        ("/api/task", {"include": "runs,results", "collaboration_id": world.collaboration, "parent_id": newest}),
        ("/api/task", {"include": "runs,results", "collaboration_id": world.collaboration, "name": "%"}),
        ("/api/run", {}),
        ("/api/run", {"include": "task", "node_id": world.near_node.id}),
        ("/api/result", {"organization_id": world.near}),
    ]

    costs = []
    for path, query in queries:
        cost = set()
        for size in (10, 100):
            with crowd.counting() as statements:
                found = await ids(world, path, per_page=size, **query)
            assert len(found) in (0, size)
            cost.add(len(statements))
        costs.append(cost)

    assert [len(cost) for cost in costs] == [1] * len(queries), costs
    assert max(max(cost) for cost in costs) <= PAGE_STATEMENTS, costs


async def test_one_task_costs_one_statement_and_its_status_reads_no_payload(world: World) -> None:
    task = await world.task()
    await world.complete(task)
    await code(world, f"/api/task/{task['id']}")

    with world.api.counting() as shown:
        await code(world, f"/api/task/{task['id']}")
    with world.api.counting() as status:
        await code(world, f"/api/task/{task['id']}/status")
    with world.api.counting() as listed:
        await ids(world, "/api/task")

    assert (len(shown), len(status), len(listed)) == (1, 1, 2)
    for text in (*shown.texts, *status.texts, *listed.texts):
        assert not any(payload in text for payload in ("run_inputs", "run_results", "run_logs"))


async def test_names_with_anything_in_them_are_kept(world: World) -> None:
    names = ["line\nbreak", "ünï <b>'\"", " ", "100%", "\\", "🦭"]

    made = [(await world.task(world.near, name=name, image=IMAGE))["name"] for name in names]

    assert made == names
    assert len(await ids(world, "/api/task", name="100\\%")) == 0
    assert len(await ids(world, "/api/task", name="\\")) == 1
