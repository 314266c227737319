"""Who may do what to organizations, collaborations, studies and nodes.

One small world: organization A and its partner B in collaboration AB, C (with B) in a collaboration of which A knows
nothing. Every case asks as a member of A who holds one rule only.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.api.tests.kit import Api
from sextant_api.models import runs, tasks
from sextant_shared.security import Principal

OK, MADE, NO, MISSING = 200, 201, 401, 404


@dataclass
class World:
    """The ids of everything, and the nodes."""

    ids: dict[str, int]
    nodes: dict[str, Principal]

    def at(self, template: str) -> str:
        """Put ids into a path."""
        return template.format(**self.ids)

    def body(self, value: Any) -> Any:
        """Put ids into a body."""
        if isinstance(value, dict):
            return {key: self.body(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.body(item) for item in value]
        return self.ids.get(value, value) if isinstance(value, str) else value


async def build(api: Api) -> World:
    ids = {"nothing": 987654}
    for name in ("A", "B", "C"):
        ids[name] = await api.add_organization(f"organization {name}")
    for name, members in (("AB", ["A", "B"]), ("BC", ["B", "C"]), ("soloB", ["B"])):
        ids[name] = await api.add_collaboration(f"collaboration {name}", [ids[member] for member in members])
    ids["both"] = await api.add_study("study of both", ids["AB"], [ids["A"], ids["B"]])
    ids["partner"] = await api.add_study("study of the partner", ids["AB"], [ids["B"]])
    ids["foreign"] = await api.add_study("foreign study", ids["BC"], [ids["B"]])
    nodes = {
        "nodeA": await api.add_node(ids["A"], ids["AB"]),
        "nodeB": await api.add_node(ids["B"], ids["AB"]),
        "nodeBC": await api.add_node(ids["B"], ids["BC"]),
    }
    return World(ids | {name: node.id for name, node in nodes.items()}, nodes)


@pytest.fixture(scope="module")
def built(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """The world in a file to copy."""
    path = tmp_path_factory.mktemp("rights") / "world.db"
    shutil.copy(sqlite_template, path)

    async def run() -> World:
        api = Api(f"sqlite+aiosqlite:///{path}")
        try:
            return await build(api)
        finally:
            await api.close()

    return path, asyncio.run(run())


@pytest.fixture
async def copied(built: tuple[Path, World], tmp_path: Path) -> AsyncIterator[Api]:
    """An api that has the world in it."""
    template, world = built
    path = tmp_path / "copy.db"
    shutil.copy(template, path)
    api = Api(f"sqlite+aiosqlite:///{path}")
    for node in world.nodes.values():
        api.auth.add_node(node.id, organization_id=node.organization_id, collaboration_id=node.collaboration_id or 0)
    yield api
    await api.close()


@pytest.fixture
def world(built: tuple[Path, World]) -> World:
    """What is where."""
    return built[1]


class Case(NamedTuple):
    """One call by somebody who holds one rule, or none."""

    rule: str | None
    method: str
    path: str
    body: Any
    expected: int


def scoped(rule: str, call: str, body: Any, expected: dict[str, int]) -> list[Any]:
    """Write out one call for each scope with which the rule may be held, and for none."""
    resource, _, operation = rule.partition(" ")
    method, _, path = call.partition(" ")
    return [
        pytest.param(
            Case(f"{resource}:{scope}:{operation}" if scope else None, method, path, body, status),
            id=f"{resource}:{scope or 'nothing'}:{operation} {call}",
        )
        for scope, status in expected.items()
    ]


def everyone(status: int) -> dict[str, int]:
    return {"GLOBAL": status, "COLLABORATION": status, "ORGANIZATION": status, "": status}


def up_to(scope: str, status: int = OK) -> dict[str, int]:
    """`status` for this scope and wider ones, a refusal for narrower ones."""
    ladder = ["GLOBAL", "COLLABORATION", "ORGANIZATION", ""]
    return {each: status if index <= ladder.index(scope) else NO for index, each in enumerate(ladder)}


NEW_STUDY = {"name": "new", "organization_ids": ["B"]}

CASES = [
    # organizations
    *scoped("organization VIEW", "GET /api/organization/{A}", None, up_to("ORGANIZATION")),
    *scoped("organization VIEW", "GET /api/organization/{B}", None, up_to("COLLABORATION")),
    *scoped("organization VIEW", "GET /api/organization/{C}", None, up_to("GLOBAL")),
    *scoped("organization VIEW", "GET /api/organization/{nothing}", None, everyone(MISSING)),
    *scoped("organization VIEW", "GET /api/organization", None, up_to("ORGANIZATION")),
    *scoped("organization VIEW", "GET /api/organization?collaboration_id={AB}", None, up_to("COLLABORATION")),
    *scoped("organization VIEW", "GET /api/organization?collaboration_id={BC}", None, up_to("GLOBAL")),
    *scoped("organization VIEW", "GET /api/organization?study_id={partner}", None, up_to("COLLABORATION")),
    *scoped("organization VIEW", "GET /api/organization?study_id={foreign}", None, up_to("GLOBAL")),
    *scoped("organization CREATE", "POST /api/organization", {"name": "x"}, up_to("GLOBAL", MADE)),
    *scoped("organization EDIT", "PATCH /api/organization/{A}", {"country": "X"}, up_to("ORGANIZATION")),
    *scoped("organization EDIT", "PATCH /api/organization/{B}", {"country": "X"}, up_to("COLLABORATION")),
    *scoped("organization EDIT", "PATCH /api/organization/{C}", {"country": "X"}, up_to("GLOBAL")),
    *scoped("organization EDIT", "PATCH /api/organization/{A}", {"public_key": ""}, up_to("ORGANIZATION")),
    *scoped("organization EDIT", "PATCH /api/organization/{B}", {"public_key": ""}, everyone(NO)),
    *scoped("organization DELETE", "DELETE /api/organization/{C}?delete_dependents=1", None, up_to("GLOBAL")),
    *scoped("organization DELETE", "DELETE /api/organization/{nothing}", None, up_to("GLOBAL", MISSING)),
    # collaborations
    *scoped("collaboration VIEW", "GET /api/collaboration/{AB}", None, up_to("ORGANIZATION")),
    *scoped("collaboration VIEW", "GET /api/collaboration/{BC}", None, up_to("GLOBAL")),
    *scoped("collaboration VIEW", "GET /api/collaboration/{nothing}", None, everyone(MISSING)),
    *scoped("collaboration VIEW", "GET /api/collaboration", None, up_to("ORGANIZATION")),
    *scoped("collaboration VIEW", "GET /api/collaboration?organization_id={A}", None, up_to("ORGANIZATION")),
    *scoped("collaboration VIEW", "GET /api/collaboration?organization_id={B}", None, up_to("GLOBAL")),
    *scoped(
        "collaboration CREATE",
        "POST /api/collaboration",
        {"name": "x", "encrypted": False, "organization_ids": ["A"]},
        up_to("GLOBAL"),
    ),
    *scoped("collaboration EDIT", "PATCH /api/collaboration/{AB}", {"name": "x"}, up_to("COLLABORATION")),
    *scoped("collaboration EDIT", "PATCH /api/collaboration/{BC}", {"name": "x"}, up_to("GLOBAL")),
    *scoped("collaboration EDIT", "PATCH /api/collaboration/{AB}", {"organization_ids": ["A"]}, up_to("GLOBAL")),
    *scoped("collaboration EDIT", "PATCH /api/collaboration/{nothing}", {"name": "x"}, everyone(MISSING)),
    *scoped("collaboration EDIT", "POST /api/collaboration/{AB}/organization", {"id": "C"}, up_to("COLLABORATION")),
    *scoped("collaboration EDIT", "POST /api/collaboration/{BC}/organization", {"id": "A"}, up_to("GLOBAL")),
    *scoped("collaboration EDIT", "DELETE /api/collaboration/{AB}/organization", {"id": "B"}, up_to("COLLABORATION")),
    *scoped("collaboration EDIT", "DELETE /api/collaboration/{BC}/organization", {"id": "B"}, up_to("GLOBAL")),
    *scoped("collaboration EDIT", "DELETE /api/collaboration/{AB}/node", {"id": "nodeB"}, up_to("COLLABORATION")),
    *scoped("collaboration EDIT", "POST /api/collaboration/{soloB}/node", {"id": "nodeB"}, up_to("GLOBAL", MADE)),
    *scoped("collaboration DELETE", "DELETE /api/collaboration/{AB}?delete_dependents=1", None, up_to("COLLABORATION")),
    *scoped("collaboration DELETE", "DELETE /api/collaboration/{soloB}", None, up_to("GLOBAL")),
    # studies
    *scoped("study VIEW", "GET /api/study/{both}", None, up_to("ORGANIZATION")),
    *scoped("study VIEW", "GET /api/study/{partner}", None, up_to("COLLABORATION")),
    *scoped("study VIEW", "GET /api/study/{foreign}", None, up_to("GLOBAL")),
    *scoped("study VIEW", "GET /api/study/{nothing}", None, everyone(MISSING)),
    *scoped("study VIEW", "GET /api/study", None, up_to("ORGANIZATION")),
    *scoped("study VIEW", "GET /api/study?collaboration_id={AB}", None, up_to("ORGANIZATION")),
    *scoped("study VIEW", "GET /api/study?collaboration_id={BC}", None, up_to("GLOBAL")),
    *scoped("study VIEW", "GET /api/study?organization_id={A}", None, up_to("ORGANIZATION")),
    *scoped("study VIEW", "GET /api/study?organization_id={B}", None, up_to("COLLABORATION")),
    *scoped("study CREATE", "POST /api/study", {**NEW_STUDY, "collaboration_id": "AB"}, up_to("COLLABORATION", MADE)),
    *scoped("study CREATE", "POST /api/study", {**NEW_STUDY, "collaboration_id": "BC"}, up_to("GLOBAL", MADE)),
    *scoped("study EDIT", "PATCH /api/study/{both}", {"name": "x"}, up_to("ORGANIZATION")),
    *scoped("study EDIT", "PATCH /api/study/{partner}", {"name": "x"}, up_to("COLLABORATION")),
    *scoped("study EDIT", "PATCH /api/study/{foreign}", {"name": "x"}, up_to("GLOBAL")),
    *scoped("study EDIT", "POST /api/study/{both}/organization", {"id": "B"}, up_to("COLLABORATION")),
    *scoped("study EDIT", "DELETE /api/study/{both}/organization", {"id": "A"}, up_to("COLLABORATION")),
    *scoped("study EDIT", "DELETE /api/study/{foreign}/organization", {"id": "B"}, up_to("GLOBAL")),
    *scoped("study DELETE", "DELETE /api/study/{both}", None, up_to("ORGANIZATION")),
    *scoped("study DELETE", "DELETE /api/study/{partner}", None, up_to("COLLABORATION")),
    *scoped("study DELETE", "DELETE /api/study/{foreign}", None, up_to("GLOBAL")),
    # nodes: that one shares another collaboration with a node's organization gives no say about the node
    *scoped("node VIEW", "GET /api/node/{nodeA}", None, up_to("ORGANIZATION")),
    *scoped("node VIEW", "GET /api/node/{nodeB}", None, up_to("COLLABORATION")),
    *scoped("node VIEW", "GET /api/node/{nodeBC}", None, up_to("GLOBAL")),
    *scoped("node VIEW", "GET /api/node/{nothing}", None, everyone(MISSING)),
    *scoped("node VIEW", "GET /api/node", None, up_to("ORGANIZATION")),
    *scoped("node VIEW", "GET /api/node?organization_id={A}", None, up_to("ORGANIZATION")),
    *scoped("node VIEW", "GET /api/node?organization_id={B}", None, up_to("COLLABORATION")),
    *scoped("node VIEW", "GET /api/node?organization_id={C}", None, up_to("GLOBAL")),
    *scoped("node VIEW", "GET /api/node?collaboration_id={AB}", None, up_to("COLLABORATION")),
    *scoped("node VIEW", "GET /api/node?collaboration_id={BC}", None, up_to("GLOBAL")),
    *scoped("node VIEW", "GET /api/node?study_id={partner}", None, up_to("COLLABORATION")),
    *scoped("node VIEW", "GET /api/node?study_id={foreign}", None, up_to("GLOBAL")),
    *scoped(
        "node CREATE",
        "POST /api/node",
        {"collaboration_id": "soloB", "organization_id": "B"},
        up_to("GLOBAL", MADE),
    ),
    *scoped("node CREATE", "POST /api/node", {"collaboration_id": "BC", "organization_id": "C"}, up_to("GLOBAL", MADE)),
    *scoped("node EDIT", "PATCH /api/node/{nodeA}", {"name": "x"}, up_to("ORGANIZATION")),
    *scoped("node EDIT", "PATCH /api/node/{nodeB}", {"name": "x"}, up_to("COLLABORATION")),
    *scoped("node EDIT", "PATCH /api/node/{nodeBC}", {"name": "x"}, up_to("GLOBAL")),
    *scoped("node DELETE", "DELETE /api/node/{nodeA}", None, up_to("ORGANIZATION")),
    *scoped("node DELETE", "DELETE /api/node/{nodeB}", None, up_to("COLLABORATION")),
    *scoped("node DELETE", "DELETE /api/node/{nodeBC}", None, up_to("GLOBAL")),
]


@pytest.mark.parametrize("case", CASES)
async def test_one_rule_reaches_as_far_as_its_scope(copied: Api, world: World, case: Case) -> None:
    caller = copied.auth.add_user(organization_id=world.ids["A"], rules=[case.rule] if case.rule else [])

    answer = await copied.call(case.method, world.at(case.path), caller, json=world.body(case.body))

    assert answer.status_code == case.expected
    if case.expected == NO:
        assert answer.json()["code"] == "permission_denied"
        assert await copied.events() == []


@pytest.mark.parametrize(
    ("rule", "resource", "expected"),
    [
        ("organization:COLLABORATION:VIEW", "organization", ["A", "B"]),
        ("organization:ORGANIZATION:VIEW", "organization", ["A"]),
        ("collaboration:ORGANIZATION:VIEW", "collaboration", ["AB"]),
        ("study:COLLABORATION:VIEW", "study", ["both", "partner"]),
        ("study:ORGANIZATION:VIEW", "study", ["both"]),
        ("node:COLLABORATION:VIEW", "node", ["nodeA", "nodeB"]),
        ("node:ORGANIZATION:VIEW", "node", ["nodeA"]),
    ],
)
async def test_a_list_shows_what_one_may_see_one_by_one(
    api: Api, rule: str, resource: str, expected: list[str]
) -> None:
    world = await build(api)
    caller = api.auth.add_user(organization_id=world.ids["A"], rules=[rule])

    answer = await api.get(f"/api/{resource}", caller)

    assert [item["id"] for item in answer.json()["data"]] == [world.ids[name] for name in expected]
    assert answer.headers["total-count"] == str(len(expected))
    for name in expected:
        assert (await api.get(f"/api/{resource}/{world.ids[name]}", caller)).status_code == OK


async def test_who_is_in_no_collaboration_sees_itself(copied: Api) -> None:
    alone = await copied.add_organization("alone")
    caller = copied.auth.add_user(organization_id=alone, role="Viewer")

    async def ids(resource: str) -> list[int]:
        answer = await copied.get(f"/api/{resource}", caller)
        return [item["id"] for item in answer.json()["data"]]

    assert await ids("organization") == [alone]
    assert await ids("collaboration") == await ids("node") == await ids("study") == []


async def test_a_member_makes_nodes_in_its_own_collaborations(copied: Api, world: World) -> None:
    solo = await copied.add_collaboration("solo A", [world.ids["A"]])
    for scope in ("COLLABORATION", "ORGANIZATION"):
        caller = copied.auth.add_user(organization_id=world.ids["A"], rules=[f"node:{scope}:CREATE"])

        made = await copied.post("/api/node", caller, collaboration_id=solo)

        assert made.status_code == MADE
        await copied.delete(f"/api/node/{made.json()['id']}", copied.root)


async def test_a_node_changes_itself_alone(copied: Api, world: World) -> None:
    other = await copied.add_node(world.ids["A"], await copied.add_collaboration("solo A", [world.ids["A"]]))
    node = world.nodes["nodeA"]

    assert (await copied.patch(f"/api/node/{node.id}", node, ip="10.0.0.1")).status_code == OK
    assert (await copied.patch(f"/api/node/{other.id}", node, ip="10.0.0.1")).status_code == NO


async def test_a_container_sees_its_partners_and_asks_by_its_own_collaboration(copied: Api, world: World) -> None:
    token = copied.auth.container_token(world.nodes["nodeB"], task_id=1, image="image")
    async with copied.db.transaction() as tx:
        common = {"collaboration_id": world.ids["AB"]}
        task = tasks.insert().values(
            id=1, job_id=1, image="image", init_org_id=world.ids["A"], init_user_id=1, databases=[], **common
        )
        await tx.session.execute(task)
        await tx.session.execute(runs.insert().values(task_id=1, organization_id=world.ids["B"], **common))

    async def status(path: str) -> int:
        return (await copied.call("GET", world.at(path), token)).status_code

    assert await status("/api/organization/{A}") == OK
    assert await status("/api/collaboration/{AB}") == OK
    assert await status("/api/organization?collaboration_id={AB}") == OK
    assert await status("/api/organization?collaboration_id={BC}") == NO
    assert await status("/api/organization?study_id={foreign}") == NO
    assert await status("/api/node") == 403
    assert await status("/api/collaboration") == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/organization"),
        ("DELETE", "/api/organization/{A}"),
        ("POST", "/api/collaboration"),
        ("PATCH", "/api/collaboration/{AB}"),
        ("POST", "/api/study"),
        ("POST", "/api/node"),
        ("DELETE", "/api/node/{nodeA}"),
    ],
)
async def test_what_is_for_users_is_refused_to_nodes_with_403(
    copied: Api, world: World, method: str, path: str
) -> None:
    answer = await copied.call(method, world.at(path), world.nodes["nodeA"], json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_principal")
