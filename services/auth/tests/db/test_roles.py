"""Roles: who sees, makes, changes and deletes them, and what is in them."""

from typing import Any

import httpx2
import pytest

from services.auth.tests.kit import Auth
from sextant_auth.catalogue import RULE_IDS
from sextant_auth.models import role_rules
from sextant_shared.contract.events import PrincipalsChanged
from sextant_shared.contract.permissions import Rule

DEFAULT_ROLES = ["Root", "container", "node", "Viewer", "Researcher", "Organization Admin", "Collaboration Admin"]
VIEWER = 4


def rule(text: str) -> int:
    return RULE_IDS[Rule.parse(text)]


def names(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [role["name"] for role in answer.json()["data"]]


async def world(auth: Auth) -> dict[str, int]:
    """Organizations 2 and 3 share a collaboration, 4 is alone; each has a role with one rule."""
    await auth.add_collaboration(1, 2, 3)
    root = await auth.token_of("root")
    ids = {}
    for organization_id in (2, 3, 4):
        await auth.add_user(f"plain{organization_id}", organization_id=organization_id)
        answer = await auth.post(
            "/api/role",
            root,
            name=f"role{organization_id}",
            description=f"custom {organization_id}",
            rules=[rule("task:OWN:VIEW")],
            organization_id=organization_id,
        )
        ids[f"role{organization_id}"] = answer.json()["id"]
    return ids


async def actor(auth: Auth, *rules: str, roles: tuple[str, ...] = ()) -> str:
    """The token of a user of organization 2 with just these rules."""
    await auth.add_user("actor", organization_id=2, rules=rules, roles=roles)
    return await auth.token_of("actor")


async def test_a_role_looks_as_on_the_wire(auth: Auth) -> None:
    ids = await world(auth)
    root = await auth.token_of("root")

    default = (await auth.get("/api/role/1", root)).json()
    custom = (await auth.get(f"/api/role/{ids['role2']}", root)).json()

    assert default == {
        "id": 1,
        "name": "Root",
        "description": "Super role",
        "organization": None,
        "is_default_role": True,
        "rules": "/api/rule?role_id=1",
        "users": "/api/user?role_id=1",
    }
    assert custom["organization"] == {
        "id": 2,
        "link": "/api/organization/2",
        "methods": ["DELETE", "GET", "PATCH"],
    }
    assert custom["is_default_role"] is False


@pytest.mark.parametrize(
    ("held", "visible"),
    [
        ("role:GLOBAL:VIEW", [*DEFAULT_ROLES, "role2", "role3", "role4"]),
        ("role:COLLABORATION:VIEW", [*DEFAULT_ROLES, "role2", "role3"]),
        ("role:ORGANIZATION:VIEW", [*DEFAULT_ROLES, "role2"]),
        ("user:GLOBAL:VIEW", []),
    ],
)
async def test_a_list_shows_what_ones_scope_reaches(auth: Auth, held: str, visible: list[str]) -> None:
    ids = await world(auth)
    token = await actor(auth, held)

    assert names(await auth.get("/api/role", token, per_page=50)) == visible
    for name, role_id in ids.items():
        answer = await auth.get(f"/api/role/{role_id}", token)
        assert answer.status_code == (200 if name in visible else 401)
    assert (await auth.get(f"/api/role/{VIEWER}", token)).status_code == (200 if visible else 401)
    assert (await auth.get("/api/role/987654", token)).status_code == 404


async def test_one_always_sees_the_roles_one_has(auth: Auth) -> None:
    ids = await world(auth)
    token = await auth.token_of("plain4")
    target = (await auth.post("/api/token/user/validate", token)).json()["user_id"]
    await auth.patch(f"/api/user/{target}", await auth.token_of("root"), roles=[ids["role4"]])

    assert names(await auth.get("/api/role", token)) == ["role4"]
    assert names(await auth.get("/api/role", token, user_id=target)) == ["role4"]
    assert (await auth.get(f"/api/role/{ids['role4']}", token)).status_code == 200


LISTS: list[tuple[list[tuple[str, Any]], list[str]]] = [
    ([("name", "Root"), ("name", "Viewer")], ["Root", "Viewer"]),
    ([("name", "ROLE%")], ["role2", "role3", "role4"]),
    ([("name", "nope")], []),
    ([("description", "custom%")], ["role2", "role3", "role4"]),
    ([("organization_id", 2)], ["role2"]),
    ([("organization_id", 2), ("organization_id", 4)], ["role2", "role4"]),
    ([("organization_id", 2), ("include_root", "0")], ["role2"]),
    ([("organization_id", 2), ("include_root", "1")], [*DEFAULT_ROLES, "role2"]),
    ([("collaboration_id", 1)], ["role2", "role3"]),
    ([("collaboration_id", 1), ("include_root", "true")], [*DEFAULT_ROLES, "role2", "role3"]),
    ([("collaboration_id", 9)], []),
    ([("rule_id", rule("task:GLOBAL:VIEW"))], ["Root"]),
    ([("user_id", 1)], ["Root"]),
    ([("sort", "-id"), ("per_page", 2), ("page", 2)], ["role2", "Collaboration Admin"]),
    ([("sort", "is_default_role,-name"), ("per_page", 3)], ["role4", "role3", "role2"]),
    ([("foo", "bar"), ("per_page", 1)], ["Root"]),
]


async def test_a_list_is_filtered_sorted_and_paged(auth: Auth) -> None:
    await world(auth)
    root = await auth.token_of("root")

    found = [
        (query, names(await auth.call("GET", "/api/role", root, params=[*query, ("per_page", 50)])))
        for query, _ in LISTS
    ]

    assert found == LISTS


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"user_id": 987654}, 400),
        ({"user_id": "abc"}, 400),
        ({"rule_id": 987654}, 404),
        ({"organization_id": "abc"}, 400),
        ({"collaboration_id": ""}, 400),
        ({"include_root": "perhaps"}, 400),
        ({"sort": "ID"}, 400),
        ({"page": "abc"}, 400),
    ],
)
async def test_a_senseless_query_is_the_callers_mistake(
    auth_on_sqlite: Auth, query: dict[str, Any], status: int
) -> None:
    root = await auth_on_sqlite.token_of("root")

    assert (await auth_on_sqlite.get("/api/role", root, **query)).status_code == status


@pytest.mark.parametrize(
    ("held", "query", "status"),
    [
        ("role:ORGANIZATION:VIEW", {"organization_id": 2}, 200),
        ("role:ORGANIZATION:VIEW", {"organization_id": 3}, 401),
        ("role:ORGANIZATION:VIEW", {"organization_id": [2, 3]}, 401),
        ("role:ORGANIZATION:VIEW", {"collaboration_id": 1}, 401),
        ("role:COLLABORATION:VIEW", {"organization_id": [2, 3]}, 200),
        ("role:COLLABORATION:VIEW", {"organization_id": [2, 3, 4]}, 401),
        ("role:COLLABORATION:VIEW", {"collaboration_id": 1}, 200),
        ("role:COLLABORATION:VIEW", {"collaboration_id": 9}, 401),
        ("role:GLOBAL:VIEW", {"collaboration_id": 9}, 200),
        ("role:GLOBAL:EDIT", {"organization_id": 2}, 401),
        ("role:COLLABORATION:VIEW", {"user_id": 1}, 401),
        ("role:GLOBAL:VIEW", {"user_id": 1}, 200),
    ],
)
async def test_one_asks_only_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, query: dict[str, Any], status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)

    assert (await auth_on_sqlite.get("/api/role", token, **query)).status_code == status


async def test_a_list_takes_few_statements_whatever_the_page(auth: Auth) -> None:
    await world(auth)
    token = await actor(auth, "role:COLLABORATION:VIEW")
    await auth.get("/api/role", token)
    with auth.counting() as small:
        await auth.get("/api/role", token, per_page=10, page=1)
    with auth.counting() as large:
        await auth.get("/api/role", token, per_page=100, page=1)

    assert large.texts == small.texts
    assert len(small) <= 2


@pytest.mark.parametrize(
    ("held", "organization_id", "status"),
    [
        ("role:ORGANIZATION:CREATE", None, 201),
        ("role:ORGANIZATION:CREATE", 3, 401),
        ("role:ORGANIZATION:CREATE", 99, 404),
        ("role:COLLABORATION:CREATE", 3, 201),
        ("role:COLLABORATION:CREATE", 4, 401),
        ("role:GLOBAL:CREATE", 4, 201),
        ("role:GLOBAL:CREATE", 99, 404),
        ("role:GLOBAL:EDIT", 2, 401),
    ],
)
async def test_roles_are_made_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, organization_id: int | None, status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)
    where = {} if organization_id is None else {"organization_id": organization_id}

    answer = await auth_on_sqlite.post("/api/role", token, name="new", rules=[], **where)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": 5}, {"name": ["_"]}),
        ({"name": None}, {"name": ["_"]}),
        ({"name": "Viewer"}, {"name": ["_"]}),
        ({"description": "x" * 1025}, {"description": ["_"]}),
        ({"rules": 5}, {"rules": ["_"]}),
        ({"rules": ["abc", 1, 0]}, {"rules": {"0": ["_"], "2": ["_"]}}),
        ({"organization_id": 0}, {"organization_id": ["_"]}),
        ({"id": 5}, {"id": ["_"]}),
    ],
)
async def test_wrong_fields_of_a_role_are_told_under_msg(
    auth_on_sqlite: Auth, changes: dict[str, Any], wrong: dict[str, Any]
) -> None:
    root = await auth_on_sqlite.token_of("root")

    answer = await auth_on_sqlite.post("/api/role", root, **{"name": "new", "rules": [], **changes})

    body = answer.json()
    assert answer.status_code == 400
    assert body["msg"] == body["errors"]
    assert masked(body["msg"]) == wrong
    assert (body["code"], "request_id" in body) == ("validation_failed", True)


def masked(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: masked(value) for name, value in told.items()}
    return ["_" for _ in told]


async def test_malformed_json_is_told_as_everywhere(auth_on_sqlite: Auth) -> None:
    root = await auth_on_sqlite.token_of("root")
    headers = {"Authorization": f"Bearer {root}", "Content-Type": "application/json"}

    broken = await auth_on_sqlite.http.post("/api/role", content=b"{", headers=headers)
    form = await auth_on_sqlite.http.post("/api/role", data={"name": "a"}, headers={"Authorization": f"Bearer {root}"})
    path = await auth_on_sqlite.get("/api/role/abc", root)

    assert (broken.status_code, form.status_code, path.status_code) == (400, 415, 404)
    assert all(isinstance(answer.json()["msg"], str) for answer in (broken, form, path))


@pytest.mark.parametrize("name", ["", " ", "12345", "line\nbreak", "x" * 1027, "root", "ünï"])
async def test_a_role_may_have_nearly_any_name_and_more_than_once(auth: Auth, name: str) -> None:
    root = await auth.token_of("root")

    answers = [await auth.post("/api/role", root, name=name, rules=[]) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["name"] == name


async def test_one_puts_into_a_role_only_what_one_holds(auth: Auth) -> None:
    ids = await world(auth)
    token = await actor(auth, "role:GLOBAL:CREATE", "role:GLOBAL:EDIT", "node:ORGANIZATION:VIEW")
    role = f"/api/role/{ids['role2']}"
    own, others = rule("node:ORGANIZATION:VIEW"), rule("task:OWN:VIEW")

    refused = [
        await auth.post("/api/role", token, name="new", rules=[own, others]),
        await auth.patch(role, token, rules=[own]),
        await auth.post(f"{role}/rule/{rule('task:GLOBAL:DELETE')}", token),
        await auth.delete(f"{role}/rule/{others}", token),
    ]
    allowed = [
        await auth.post("/api/role", token, name="new", rules=[own, own]),
        await auth.patch(role, token, rules=[own, others]),
        await auth.delete(f"{role}/rule/{own}", token),
    ]

    assert [answer.status_code for answer in refused] == [401] * 4
    assert [answer.status_code for answer in allowed] == [201, 200, 200]
    traces = [(trace.action, trace.reason) for trace in await auth.audit() if trace.outcome == "refused"]
    assert traces == [("role.created", "rules_not_held"), *[("role.changed", "rules_not_held")] * 3]


async def test_rules_come_into_a_role_and_go(auth: Auth) -> None:
    ids = await world(auth)
    root = await auth.token_of("root")
    role = f"/api/role/{ids['role2']}"

    added = await auth.post(f"{role}/rule/1", root)
    again = await auth.post(f"{role}/rule/1", root)
    removed = await auth.delete(f"{role}/rule/1", root)
    missing = await auth.delete(f"{role}/rule/1", root)
    unknown = [await auth.call(method, f"{role}/rule/987654", root) for method in ("POST", "DELETE")]

    assert (added.status_code, [entry["id"] for entry in added.json()]) == (201, [1, rule("task:OWN:VIEW")])
    assert again.json() == added.json()
    assert (removed.status_code, [entry["id"] for entry in removed.json()]) == (200, [rule("task:OWN:VIEW")])
    assert [answer.status_code for answer in (missing, *unknown)] == [404, 404, 404]


@pytest.mark.parametrize("username", ["root", "plain2"])
async def test_default_roles_are_changed_by_nobody(auth: Auth, username: str) -> None:
    await world(auth)
    token = await auth.token_of(username)

    answers = [
        await auth.patch(f"/api/role/{VIEWER}", token, description="changed"),
        await auth.delete(f"/api/role/{VIEWER}", token),
        await auth.post(f"/api/role/{VIEWER}/rule/1", token),
        await auth.delete(f"/api/role/{VIEWER}/rule/{rule('user:OWN:EDIT')}", token),
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert len([row for row in await auth.rows(role_rules) if row.role_id == VIEWER]) == 15


@pytest.mark.parametrize(
    ("held", "name", "status"),
    [
        ("ORGANIZATION", "role2", 200),
        ("ORGANIZATION", "role3", 401),
        ("COLLABORATION", "role3", 200),
        ("COLLABORATION", "role4", 401),
        ("GLOBAL", "role4", 200),
    ],
)
async def test_roles_are_changed_and_deleted_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, name: str, status: int
) -> None:
    ids = await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, f"role:{held}:EDIT", f"role:{held}:DELETE")
    role = f"/api/role/{ids[name]}"

    changed = await auth_on_sqlite.patch(role, token, description="changed")
    deleted = await auth_on_sqlite.delete(role, token)

    assert [answer.status_code for answer in (changed, deleted)] == [status, status]
    assert (await auth_on_sqlite.patch("/api/role/987654", token, description="x")).status_code == 404
    assert (await auth_on_sqlite.delete("/api/role/987654", token)).status_code == 404


async def test_a_role_in_use_is_deleted_only_with_what_depends_on_it(auth: Auth) -> None:
    ids = await world(auth)
    root = await auth.token_of("root")
    target = (await auth.get("/api/user", root, username="plain2")).json()["data"][0]["id"]
    await auth.patch(f"/api/user/{target}", root, roles=[ids["role2"]])
    role = f"/api/role/{ids['role2']}"

    refused = [await auth.delete(role, root), await auth.delete(role, root, delete_dependents="false")]
    deleted = await auth.delete(role, root, delete_dependents="true")

    assert [answer.status_code for answer in (*refused, deleted)] == [400, 400, 200]
    permissions = (await auth.get(f"/api/user/{target}", root, include_permissions="1")).json()["permissions"]
    assert (permissions["roles"], permissions["rules"]) == ([], [])


async def test_a_change_of_a_role_is_told_and_counts_at_once(auth: Auth) -> None:
    ids = await world(auth)
    root = await auth.token_of("root")
    token = await auth.token_of("plain2")
    target = (await auth.post("/api/token/user/validate", token)).json()["user_id"]
    await auth.patch(f"/api/user/{target}", root, roles=[ids["role2"]])
    await auth.get("/api/user", token)

    await auth.post(f"/api/role/{ids['role2']}/rule/{rule('user:ORGANIZATION:VIEW')}", root)

    assert (await auth.get("/api/user", token)).status_code == 200
    told = [envelope for envelope in await auth.events() if envelope.type == PrincipalsChanged.type]
    assert [PrincipalsChanged.opened(envelope).role_id for envelope in told] == [ids["role2"]]
    principal = (await auth.get(f"/internal/principals/user/{target}", await auth.service_token())).json()
    assert principal["version"] == 3


async def test_a_patch_without_rules_leaves_them_alone(auth: Auth) -> None:
    ids = await world(auth)
    root = await auth.token_of("root")

    empty = await auth.patch(f"/api/role/{ids['role2']}", root)
    named = await auth.patch(f"/api/role/{ids['role2']}", root, name="named")

    assert (empty.status_code, empty.json()["name"]) == (200, "role2")
    assert (named.json()["name"], named.json()["description"]) == ("named", "custom 2")
    held = (await auth.get("/api/rule", root, role_id=ids["role2"])).json()["data"]
    assert [entry["id"] for entry in held] == [rule("task:OWN:VIEW")]
