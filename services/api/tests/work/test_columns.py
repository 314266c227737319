"""Columns of databases: what nodes share is told at once, what nobody shares becomes a task."""

from typing import Any

import httpx2
import pytest

from services.api.tests.work.world import READABLE, World
from sextant_api.models import node_configs, tasks
from sextant_shared.security import Principal

PATH = "/api/column"


async def ask(world: World, caller: Principal | str | None = None, **changes: Any) -> httpx2.Response:
    body = {
        "db_label": "ages",
        "collaboration_id": world.collaboration,
        "organizations": [{"id": world.near, "input": READABLE}],
        **changes,
    }
    sent = {name: value for name, value in body.items() if value is not ...}
    return await world.api.call("POST", PATH, caller or world.researcher, json=sent)


async def share(world: World, node: Principal, key: str, *values: str | None) -> None:
    for value in values:
        await world.api._write(node_configs, node_id=node.id, key=key, value=value)


async def test_columns_that_a_node_shares_are_told(world: World) -> None:
    await share(world, world.near_node, "columns_heights", "cm")
    await share(world, world.near_node, "database_labels", "ages")
    await share(world, world.far_node, "columns_ages", "years", "sex", "years")

    answer = await ask(world)

    assert (answer.status_code, answer.json()) == (200, {"columns": ["years", "sex", "years"]})
    assert await world.api.count(tasks) == 0


async def test_the_first_node_that_shares_any_speaks_for_all(world: World) -> None:
    await share(world, world.far_node, "columns_ages", "b")
    await share(world, world.near_node, "columns_ages", "a")
    elsewhere = await world.api.add_collaboration("elsewhere", [world.near])
    await share(world, await world.api.add_node(world.near, elsewhere), "columns_ages", "c")

    assert (await ask(world)).json() == {"columns": ["a"]}


async def test_columns_that_nobody_shares_are_asked_for_by_a_task(world: World) -> None:
    await share(world, world.near_node, "columns_ages", None)

    answer = await ask(world, sheet_name="first", query="SELECT 1")

    task = answer.json()
    assert answer.status_code == 201
    assert (task["name"], task["image"]) == ("get_column_names", world.api.settings.column_image)
    assert task["databases"] == [{"label": "ages", "parameters": '{"sheet_name":"first","query":"SELECT 1"}'}]
    assert task["init_user"]["id"] == world.researcher.id
    assert (await world.run_of(task, world.near))["input"] == READABLE
    assert task == (await world.api.get(f"/api/task/{task['id']}", world.researcher)).json()


@pytest.mark.parametrize("label", ["", " ", "12345", "line\nbreak", "x" * 1027, "ünï <b>'\""])
async def test_a_database_may_be_called_anything(world: World, label: str) -> None:
    answer = await ask(world, db_label=label)

    assert answer.status_code == 201
    assert answer.json()["databases"] == [{"label": label, "parameters": "{}"}]


NONSENSE: list[tuple[dict[str, Any], str]] = [
    *[({"db_label": value}, "db_label") for value in (5, [], ..., None, True, {}, "a\0b")],
    *[({"organizations": value}, "organizations") for value in ("", "abc", 5, ["x"], [], [None], [{}], ..., None, {})],
    *[({"collaboration_id": value}, "collaboration_id") for value in ("", "abc", 0, None, ...)],
    ({"foo": 1}, "foo"),
    ({"sheet_name": 5}, "sheet_name"),
]


@pytest.mark.parametrize(("changes", "wrong"), NONSENSE, ids=lambda value: str(value)[:60])
async def test_nonsense_is_named_and_makes_no_task(world: World, changes: dict[str, Any], wrong: str) -> None:
    answer = await ask(world, **changes)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong])
    assert await world.api.count(tasks) == 0


async def test_columns_are_for_who_may_make_tasks_there(world: World) -> None:
    await share(world, world.near_node, "columns_ages", "years")
    viewer = world.api.auth.add_user(organization_id=world.near, role="Viewer")
    container = world.container(await world.task(world.near))

    told = [
        (await ask(world, caller)).status_code
        for caller in (world.colleague, viewer, world.stranger, world.api.root, world.near_node, container)
    ]

    # root may do all, but makes tasks only where its organization is member
    assert told == [200, 401, 401, 401, 403, 403]
    # what is not there comes first, as on the wire
    assert (await ask(world, viewer, collaboration_id=987654)).status_code == 404


@pytest.mark.parametrize("given", [{}, {"input": None}, {"input": 5}, {"input": {}}, {"input": "a\0b"}], ids=str)
async def test_an_input_is_needed_where_a_task_is(world: World, given: dict[str, Any]) -> None:
    organizations = [{"id": world.near, "input": READABLE}, {"id": world.far, **given}]
    viewer = world.api.auth.add_user(organization_id=world.near, role="Viewer")

    for_task = await ask(world, organizations=organizations)
    denied = await ask(world, viewer, organizations=organizations)
    await share(world, world.near_node, "columns_ages", "years")
    known = await ask(world, organizations=organizations)

    [problem] = for_task.json()["errors"]["organizations"]
    assert (for_task.status_code, problem.partition(":")[0]) == (400, "1.input")
    assert (denied.status_code, known.status_code) == (401, 200)
    assert await world.api.count(tasks) == 0


async def test_the_task_is_held_to_what_all_tasks_are(world: World) -> None:
    answer = await ask(world, organizations=[{"id": world.strange, "input": READABLE}])

    assert (answer.status_code, await world.api.count(tasks)) == (400, 0)


async def test_what_is_known_costs_two_statements(world: World) -> None:
    await share(world, world.near_node, "columns_ages", *[f"column {index}" for index in range(200)])

    with world.api.counting() as statements:
        answer = await ask(world)

    assert (len(answer.json()["columns"]), len(statements)) == (200, 2)
