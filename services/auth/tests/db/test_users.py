"""Users: who sees, makes, changes and deletes them."""

from typing import Any

import httpx2
import pytest

from services.auth.tests.kit import PASSWORD, Auth
from sextant_auth.catalogue import RULE_IDS
from sextant_auth.models import users
from sextant_shared.contract.events import OrganizationChanged, PrincipalChanged
from sextant_shared.contract.permissions import Rule

VIEWER, RESEARCHER, ROOT_ROLE = 4, 5, 1
NEW = {"username": "new-user", "email": "new@users.test", "firstname": "N", "lastname": "U", "password": PASSWORD}


def rule(text: str) -> int:
    return RULE_IDS[Rule.parse(text)]


def names(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()["data"]]


async def world(auth: Auth) -> None:
    """Organizations 2 and 3 share a collaboration, 4 is alone."""
    await auth.add_collaboration(1, 2, 3)
    for organization_id in (2, 3, 4):
        await auth.add_user(f"plain{organization_id}", organization_id=organization_id)


async def actor(auth: Auth, *rules: str, organization_id: int = 2, **more: Any) -> str:
    """The token of a user of organization 2 with just these rules."""
    await auth.add_user("actor", organization_id=organization_id, rules=rules, **more)
    return await auth.token_of("actor")


async def id_of(auth: Auth, username: str) -> int:
    return int(next(row.id for row in await auth.rows(users) if row.username == username))


async def test_a_user_looks_as_on_the_wire(auth: Auth) -> None:
    shown = (await auth.get("/api/user/1", await auth.token_of("root"))).json()

    assert {key: value for key, value in shown.items() if key != "last_seen"} == {
        "id": 1,
        "type": "user",
        "username": "root",
        "firstname": None,
        "lastname": None,
        "email": "root@domain.ext",
        "organization": {"id": 1, "link": "/api/organization/1", "methods": ["DELETE", "GET", "PATCH"]},
        "roles": "/api/role?user_id=1",
        "rules": "/api/rule?user_id=1",
        "otp_secret": None,
        "ip": None,
        "status": None,
        "last_email_failed_login_sent": None,
        "last_email_recover_password_sent": None,
    }


async def test_permissions_are_added_on_demand(auth: Auth) -> None:
    await world(auth)
    user_id = await auth.add_user("alice", organization_id=2, roles=["Viewer"], rules=["task:OWN:VIEW"])
    token = await auth.token_of("alice")

    plain = (await auth.get(f"/api/user/{user_id}", token)).json()
    refused = (await auth.get(f"/api/user/{user_id}", token, include_permissions="0")).json()
    full = (await auth.get(f"/api/user/{user_id}", token, include_permissions="1")).json()

    assert "permissions" not in plain
    assert "permissions" not in refused
    assert full["permissions"]["roles"] == [VIEWER]
    assert len(full["permissions"]["rules"]) == 16
    assert full["permissions"]["orgs_in_collabs"] == [2, 3]


async def test_root_makes_a_user_who_can_log_in(auth: Auth) -> None:
    auth.api.organizations.add(5)
    root = await auth.token_of("root")

    answer = await auth.post("/api/user", root, **NEW, organization_id=5, roles=[RESEARCHER], rules=[1])

    assert answer.status_code == 201
    assert answer.json()["organization"]["id"] == 5
    pair = await auth.log_in("new-user")
    assert pair["user_url"] == f"/api/user/{answer.json()['id']}"


async def test_an_organization_that_auth_never_heard_of_is_asked_for(auth: Auth) -> None:
    root = await auth.token_of("root")
    auth.api.organizations.add(5)

    made = await auth.post("/api/user", root, **NEW, organization_id=5)
    unknown = await auth.post("/api/user", root, **NEW | {"username": "other", "email": "o@u.test"}, organization_id=6)
    auth.api.down = True
    away = await auth.post("/api/user", root, **NEW | {"username": "other", "email": "o@u.test"}, organization_id=7)

    assert [answer.status_code for answer in (made, unknown, away)] == [201, 404, 503]
    assert auth.api.asked == [5, 6, 7]


async def test_without_an_organization_it_is_the_callers_own(auth: Auth) -> None:
    await world(auth)
    token = await actor(auth, "user:ORGANIZATION:CREATE")

    assert (await auth.post("/api/user", token, **NEW)).json()["organization"]["id"] == 2


async def test_names_are_optional(auth: Auth) -> None:
    body = {key: NEW[key] for key in ("username", "email", "password")}

    answer = await auth.post("/api/user", await auth.token_of("root"), **body)

    assert answer.status_code == 201
    assert (answer.json()["firstname"], answer.json()["lastname"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "1abc"}, "username"),
        ({"username": "_abc"}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": "Ünicode"}, "username"),
        ({"username": "line\nbreak"}, "username"),
        ({"username": "abc\n"}, "username"),
        ({"username": "a" * 129}, "username"),
        ({"username": None}, "username"),
        ({"email": "a@b"}, "email"),
        ({"email": "a@b.c"}, "email"),
        ({"email": "a b@c.de"}, "email"),
        ({"email": "a@c.de\n"}, "email"),
        ({"email": "a@c.de, b@c.de"}, "email"),
        ({"email": ""}, "email"),
        ({"password": "short1!"}, "password"),
        ({"password": 5}, "password"),
        ({"firstname": None}, "firstname"),
        ({"firstname": "x" * 129}, "firstname"),
        ({"lastname": "nul\0"}, "lastname"),
        ({"organization_id": 0}, "organization_id"),
        ({"organization_id": "abc"}, "organization_id"),
        ({"roles": {}}, "roles"),
        ({"roles": ["abc"]}, "roles"),
        ({"rules": [0]}, "rules"),
        ({"rules": None}, "rules"),
        ({"otp_secret": "AAAA"}, "otp_secret"),
        ({"id": 5}, "id"),
    ],
)
async def test_a_malformed_user_is_told_field_by_field(
    auth_on_sqlite: Auth, changes: dict[str, Any], wrong: str
) -> None:
    root = await auth_on_sqlite.token_of("root")

    answer = await auth_on_sqlite.post("/api/user", root, **NEW | changes)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {wrong})


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "abc"},
        {"username": "a-b_c.d"},
        {"username": "a" * 128},
        {"email": "A@Upper.Test"},
        {"email": "x" * 131 + "@x.test"},
        {"firstname": ""},
        {"firstname": "ünï <b>'\""},
        {"roles": [VIEWER, VIEWER], "rules": [1, 1]},
        {"organization_id": "1"},
    ],
)
async def test_what_the_wire_takes_is_taken(auth_on_sqlite: Auth, changes: dict[str, Any]) -> None:
    root = await auth_on_sqlite.token_of("root")

    assert (await auth_on_sqlite.post("/api/user", root, **NEW | changes)).status_code == 201


@pytest.mark.parametrize("changes", [{"username": "ROOT"}, {"username": "root"}, {"email": "ROOT@domain.EXT"}])
async def test_names_and_addresses_are_taken_in_any_case(auth: Auth, changes: dict[str, Any]) -> None:
    answer = await auth.post("/api/user", await auth.token_of("root"), **NEW | changes)

    assert (answer.status_code, answer.json()["code"]) == (400, "already_exists")
    assert len(await auth.rows(users)) == 1


@pytest.mark.parametrize("granted", [{"roles": [987654]}, {"rules": [987654]}])
async def test_an_unknown_role_or_rule_is_not_found(auth: Auth, granted: dict[str, Any]) -> None:
    root = await auth.token_of("root")

    assert (await auth.post("/api/user", root, **NEW, **granted)).status_code == 404
    assert (await auth.patch("/api/user/1", root, **granted)).status_code in {401, 404}
    assert len(await auth.rows(users)) == 1


@pytest.mark.parametrize(
    ("held", "organization_id", "status"),
    [
        ("user:ORGANIZATION:CREATE", 2, 201),
        ("user:ORGANIZATION:CREATE", 3, 401),
        ("user:COLLABORATION:CREATE", 2, 201),
        ("user:COLLABORATION:CREATE", 3, 201),
        ("user:COLLABORATION:CREATE", 4, 401),
        ("user:COLLABORATION:CREATE", 99, 401),
        ("user:GLOBAL:CREATE", 4, 201),
        ("user:GLOBAL:CREATE", 99, 404),
        ("user:GLOBAL:EDIT", 2, 401),
    ],
)
async def test_users_are_made_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, organization_id: int, status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)

    answer = await auth_on_sqlite.post("/api/user", token, **NEW, organization_id=organization_id)

    assert answer.status_code == status


@pytest.mark.parametrize("granted", [{"roles": [ROOT_ROLE]}, {"roles": [VIEWER]}, {"rules": [1]}])
async def test_one_gives_only_what_one_holds_and_the_attempt_is_kept(auth: Auth, granted: dict[str, Any]) -> None:
    await world(auth)
    token = await actor(auth, "user:GLOBAL:CREATE", "user:GLOBAL:EDIT", "task:OWN:VIEW")
    target = await id_of(auth, "plain2")

    made = await auth.post("/api/user", token, **NEW, organization_id=2, **granted)
    changed = await auth.patch(f"/api/user/{target}", token, **granted)
    held = await auth.patch(f"/api/user/{target}", token, rules=[rule("task:OWN:VIEW")])

    assert [answer.status_code for answer in (made, changed, held)] == [401, 401, 200]
    assert "new-user" not in [row.username for row in await auth.rows(users)]
    refused = [trace for trace in await auth.audit() if trace.outcome == "refused"]
    assert [(trace.action, trace.target_id, trace.reason) for trace in refused] == [
        ("user.created", None, "rules_not_held"),
        ("user.granted", target, "rules_not_held"),
    ]


async def test_one_takes_only_what_one_holds(auth: Auth) -> None:
    strong = await auth.add_user("strong", organization_id=2, roles=["Root"], rules=["task:OWN:VIEW"])
    token = await actor(auth, "user:GLOBAL:EDIT", "task:OWN:VIEW")

    assert (await auth.patch(f"/api/user/{strong}", token, roles=[])).status_code == 401
    assert (await auth.patch(f"/api/user/{strong}", token, rules=[])).status_code == 200


async def test_a_role_of_another_organization_is_given_to_nobody(auth: Auth) -> None:
    await world(auth)
    root = await auth.token_of("root")
    foreign = (await auth.post("/api/role", root, name="of 3", rules=[], organization_id=3)).json()["id"]
    target = await id_of(auth, "plain2")

    assert (await auth.patch(f"/api/user/{target}", root, roles=[foreign])).status_code == 401
    assert (await auth.post("/api/user", root, **NEW, organization_id=2, roles=[foreign])).status_code == 401
    assert (await auth.post("/api/user", root, **NEW, organization_id=3, roles=[foreign])).status_code == 201


@pytest.mark.parametrize(
    ("held", "visible"),
    [
        ("user:GLOBAL:VIEW", ["root", "plain2", "plain3", "plain4", "actor"]),
        ("user:COLLABORATION:VIEW", ["plain2", "plain3", "actor"]),
        ("user:ORGANIZATION:VIEW", ["plain2", "actor"]),
    ],
)
async def test_a_list_shows_whom_ones_scope_reaches(auth: Auth, held: str, visible: list[str]) -> None:
    await world(auth)
    token = await actor(auth, held)

    assert names(await auth.get("/api/user", token)) == visible
    for username in ("root", "plain2", "plain3", "plain4"):
        answer = await auth.get(f"/api/user/{await id_of(auth, username)}", token)
        assert answer.status_code == (200 if username in visible else 401)
    assert (await auth.get("/api/user/987654", token)).status_code == 404


async def test_without_a_right_one_finds_oneself_by_ones_exact_name_alone(auth: Auth) -> None:
    user_id = await auth.add_user("A_Root")
    await auth.add_user("A.Root")
    token = await auth.token_of("A_Root")

    assert names(await auth.get("/api/user", token, username="A_Root")) == ["A_Root"]
    assert (await auth.get(f"/api/user/{user_id}", token)).status_code == 200
    for query in ({}, {"username": "A.Root"}, {"username": "A%"}, {"username": "A_Root", "organization_id": 1}):
        assert (await auth.get("/api/user", token, **query)).status_code == 401


LISTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"username": "PLAIN_"}, ["plain2", "plain3", "plain4"]),
    ({"username": "%3"}, ["plain3"]),
    ({"username": "a\\_"}, []),
    ({"email": "plain2@%"}, ["plain2"]),
    ({"firstname": "Plain2"}, ["plain2"]),
    ({"lastname": "nope"}, []),
    ({"organization_id": 3}, ["plain3"]),
    ({"organization_id": -1}, []),
    ({"organization_id": "9" * 20}, []),
    ({"collaboration_id": "9" * 20}, []),
    ({"collaboration_id": 1}, ["plain2", "plain3"]),
    ({"collaboration_id": 99}, []),
    ({"role_id": ROOT_ROLE}, ["root"]),
    ({"rule_id": 1}, []),
    ({"role_id": ROOT_ROLE, "organization_id": 3}, []),
    ({"last_seen_from": "2000-01-01"}, ["root"]),
    ({"last_seen_till": "2000-01-01T00:00:00"}, []),
    ({"sort": "-username", "per_page": 2}, ["root", "plain4"]),
    ({"sort": "last_seen,-id"}, ["plain4", "plain3", "plain2", "root"]),
    ({"sort": "organization,-id"}, ["plain4", "plain3", "plain2", "root"]),
    ({"sort": "-organization"}, ["root", "plain2", "plain3", "plain4"]),
    ({"page": 2, "per_page": 3}, ["plain4"]),
    ({"page": 9}, []),
]


async def test_a_list_is_filtered_sorted_and_paged(auth: Auth) -> None:
    await world(auth)
    root = await auth.token_of("root")

    found = [(query, names(await auth.get("/api/user", root, **query))) for query, _ in LISTS]

    assert found == LISTS


@pytest.mark.parametrize(
    "query",
    [
        {"organization_id": "abc"},
        {"organization_id": ""},
        {"role_id": "9" * 20},
        {"role_id": 987654},
        {"rule_id": 987654},
        {"role_id": "1.5"},
        {"last_seen_from": "abc"},
        {"page": 0},
        {"per_page": -1},
        {"sort": "password"},
        {"sort": "password_hash"},
        {"sort": "otp_secret"},
        {"username": "nul\0"},
    ],
)
async def test_a_senseless_query_is_the_callers_mistake(auth_on_sqlite: Auth, query: dict[str, Any]) -> None:
    answer = await auth_on_sqlite.get("/api/user", await auth_on_sqlite.token_of("root"), **query)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("held", "query", "status"),
    [
        ("user:ORGANIZATION:VIEW", {"organization_id": 2}, 200),
        ("user:ORGANIZATION:VIEW", {"organization_id": 3}, 401),
        ("user:ORGANIZATION:VIEW", {"collaboration_id": 1}, 401),
        ("user:COLLABORATION:VIEW", {"organization_id": 3}, 200),
        ("user:COLLABORATION:VIEW", {"organization_id": 4}, 401),
        ("user:COLLABORATION:VIEW", {"collaboration_id": 1}, 200),
        ("user:COLLABORATION:VIEW", {"collaboration_id": 2}, 401),
        ("user:GLOBAL:VIEW", {"collaboration_id": 2}, 200),
    ],
)
async def test_one_asks_only_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, query: dict[str, Any], status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)

    assert (await auth_on_sqlite.get("/api/user", token, **query)).status_code == status


async def test_a_list_takes_few_statements_whatever_the_page(auth: Auth) -> None:
    await world(auth)
    for number in range(15):
        await auth.add_user(f"user{number}", organization_id=2, roles=["Viewer"])
    token = await actor(auth, "user:COLLABORATION:VIEW")
    query = {"organization_id": 3, "collaboration_id": 1, "role_id": VIEWER, "rule_id": 1}
    await auth.get("/api/user", token)
    with auth.counting() as small:
        await auth.get("/api/user", token, per_page=10, page=1)
    with auth.counting() as large:
        await auth.get("/api/user", token, per_page=100, page=1)
    with auth.counting() as filtered:
        await auth.get("/api/user", token, **query)

    assert large.texts == small.texts
    assert len(small) <= 2
    assert len(filtered) <= 6


async def test_one_changes_ones_own_profile_but_not_ones_own_rights(auth: Auth) -> None:
    token = await actor(auth, "user:OWN:EDIT", roles=["Viewer"])
    own = f"/api/user/{await id_of(auth, 'actor')}"

    changed = await auth.patch(own, token, firstname="New", lastname="Name", email="n@u.test", username="renamed")
    tried: list[dict[str, list[int]]] = [{"roles": [ROOT_ROLE]}, {"roles": []}, {"rules": [1]}]
    for rights in tried:
        assert (await auth.patch(own, token, **rights)).status_code == 401
    unchanged = await auth.patch(own, token, roles=[VIEWER])

    assert (changed.status_code, unchanged.status_code) == (200, 200)
    assert (changed.json()["firstname"], changed.json()["username"]) == ("New", "renamed")


@pytest.mark.parametrize(
    ("held", "username", "status"),
    [
        ("user:GLOBAL:EDIT", "root", 200),
        ("user:COLLABORATION:EDIT", "plain3", 200),
        ("user:COLLABORATION:EDIT", "plain4", 401),
        ("user:ORGANIZATION:EDIT", "plain2", 200),
        ("user:ORGANIZATION:EDIT", "plain3", 401),
        ("user:OWN:EDIT", "plain2", 401),
        ("user:GLOBAL:DELETE", "plain2", 401),
    ],
)
async def test_names_are_changed_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, username: str, status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)
    target = await id_of(auth_on_sqlite, username)

    assert (await auth_on_sqlite.patch(f"/api/user/{target}", token, lastname="Changed")).status_code == status
    assert (await auth_on_sqlite.patch("/api/user/987654", token, lastname="Changed")).status_code == 404


async def test_nobody_is_renamed_or_given_a_password_by_somebody_else(auth: Auth) -> None:
    await world(auth)
    root = await auth.token_of("root")
    target = f"/api/user/{await id_of(auth, 'plain2')}"

    assert (await auth.patch(target, root, username="renamed")).status_code == 400
    assert (await auth.patch(target, root, password=PASSWORD)).status_code == 400


async def test_a_stronger_account_is_not_edited_into_ones_hands(auth: Auth) -> None:
    strong = await auth.add_user("strong", organization_id=2, roles=["Root"])
    token = await actor(auth, roles=["Organization Admin"])

    taken = await auth.patch(f"/api/user/{strong}", token, email="attacker@users.test")
    deleted = await auth.delete(f"/api/user/{strong}", token)
    renamed = await auth.patch(f"/api/user/{strong}", token, lastname="Harmless")

    assert (taken.status_code, deleted.status_code, renamed.status_code) == (401, 401, 200)
    refused = [(trace.action, trace.reason) for trace in await auth.audit() if trace.outcome == "refused"]
    assert refused == [("user.changed", "stronger_account"), ("user.deleted", "stronger_account")]
    assert renamed.json()["email"] == "strong@users.test"


@pytest.mark.parametrize("organization_id", [4, 99, 987654.5, 2**70])
async def test_nobody_moves_to_another_organization(auth_on_sqlite: Auth, organization_id: float) -> None:
    await world(auth_on_sqlite)
    root = await auth_on_sqlite.token_of("root")
    target = f"/api/user/{await id_of(auth_on_sqlite, 'plain2')}"
    own = await auth_on_sqlite.post("/api/role", root, name="of 2", rules=[], organization_id=2)
    await auth_on_sqlite.patch(target, root, roles=[own.json()["id"]])

    asked = await auth_on_sqlite.patch(target, root, organization_id=organization_id, lastname="Moved")

    assert (asked.status_code, asked.json()["organization"]["id"], asked.json()["lastname"]) == (200, 2, "Moved")
    roles = (await auth_on_sqlite.get("/api/role", root, user_id=asked.json()["id"])).json()["data"]
    assert [role["name"] for role in roles] == ["of 2"]


@pytest.mark.parametrize("organization_id", [0, -1, "abc", None, [], {}, True])
async def test_an_organization_that_is_none_is_refused_though_nobody_moves(
    auth_on_sqlite: Auth, organization_id: object
) -> None:
    root = await auth_on_sqlite.token_of("root")

    asked = await auth_on_sqlite.patch("/api/user/1", root, organization_id=organization_id)

    assert (asked.status_code, set(asked.json()["errors"])) == (400, {"organization_id"})


@pytest.mark.parametrize("number", [987654, 987654.5, 2**63, 10**30])
async def test_a_number_that_cannot_be_an_id_is_as_unknown_as_one_that_nothing_has(auth: Auth, number: float) -> None:
    root = await auth.token_of("root")
    target = await auth.add_user("alice", organization_id=2)

    answers = [
        await auth.post("/api/user", root, **NEW, organization_id=number),
        await auth.post("/api/user", root, **NEW, roles=[number]),
        await auth.patch(f"/api/user/{target}", root, rules=[number]),
        await auth.post("/api/role", root, name="it", rules=[], organization_id=number),
        await auth.post("/api/role", root, name="it", rules=[number]),
        await auth.get(f"/api/user/{number}", root),
        await auth.get(f"/api/rule/{number}", root),
        await auth.delete(f"/api/role/{number}/rule/{number}", root),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8


async def test_a_taken_name_is_refused_on_change_too(auth: Auth) -> None:
    token = await actor(auth, "user:OWN:EDIT")
    own = f"/api/user/{await id_of(auth, 'actor')}"

    for changes in ({"username": "Root"}, {"email": "Root@Domain.Ext"}):
        assert (await auth.patch(own, token, **changes)).status_code == 400


@pytest.mark.parametrize(
    ("held", "username", "status"),
    [
        ("user:GLOBAL:DELETE", "plain4", 200),
        ("user:COLLABORATION:DELETE", "plain3", 200),
        ("user:COLLABORATION:DELETE", "plain4", 401),
        ("user:ORGANIZATION:DELETE", "plain2", 200),
        ("user:ORGANIZATION:DELETE", "plain3", 401),
        ("user:OWN:DELETE", "actor", 200),
        ("user:OWN:DELETE", "plain2", 401),
        ("user:GLOBAL:EDIT", "plain2", 401),
    ],
)
async def test_users_are_deleted_where_ones_scope_reaches(
    auth_on_sqlite: Auth, held: str, username: str, status: int
) -> None:
    await world(auth_on_sqlite)
    token = await actor(auth_on_sqlite, held)
    target = await id_of(auth_on_sqlite, username)

    assert (await auth_on_sqlite.delete(f"/api/user/{target}", token)).status_code == status
    assert (username in [row.username for row in await auth_on_sqlite.rows(users)]) is (status != 200)


async def test_a_deleted_users_id_is_never_given_to_another(auth: Auth) -> None:
    root = await auth.token_of("root")
    first = (await auth.post("/api/user", root, **NEW)).json()["id"]
    token = await auth.token_of("new-user")
    await auth.delete(f"/api/user/{first}", root)

    second = (await auth.post("/api/user", root, **NEW)).json()["id"]

    assert second > first
    assert (await auth.get(f"/api/user/{first}", token)).status_code == 401


async def test_a_user_who_has_made_tasks_is_deleted_with_them_or_not_at_all(auth: Auth) -> None:
    root = await auth.token_of("root")
    user_id = (await auth.post("/api/user", root, **NEW)).json()["id"]
    path = f"/api/user/{user_id}"
    auth.api.tasks[user_id] = 3

    refused = [await auth.delete(path, root), await auth.delete(path, root, delete_dependents="false")]
    kept = (await auth.get(path, root)).status_code, dict(auth.api.tasks)
    deleted = await auth.delete(path, root, delete_dependents="true")

    assert [answer.status_code for answer in refused] == [400, 400]
    assert kept == (200, {user_id: 3})
    assert (deleted.status_code, auth.api.tasks) == (200, {})
    assert (await auth.get(path, root)).status_code == 404


async def test_a_user_is_not_deleted_while_nobody_knows_whether_it_has_tasks(auth: Auth) -> None:
    root = await auth.token_of("root")
    user_id = (await auth.post("/api/user", root, **NEW)).json()["id"]
    auth.api.down = True

    for dependents in ("false", "true"):
        answer = await auth.delete(f"/api/user/{user_id}", root, delete_dependents=dependents)
        assert answer.status_code == 503

    assert (await auth.get(f"/api/user/{user_id}", root)).status_code == 200


async def test_no_task_is_deleted_for_who_may_not_delete_the_user(auth: Auth) -> None:
    await world(auth)
    strong = await auth.add_user("strong", organization_id=2, roles=["Root"])
    weak = await id_of(auth, "plain4")
    token = await actor(auth, "user:ORGANIZATION:DELETE")
    auth.api.tasks = {strong: 1, weak: 1}

    told = [
        (await auth.delete(f"/api/user/{user}", token, delete_dependents="true")).status_code
        for user in (strong, weak, 987654)
    ]

    assert told == [401, 401, 404]
    assert auth.api.tasks == {strong: 1, weak: 1}


async def test_a_change_of_rights_is_told_and_counts_at_once(auth: Auth) -> None:
    user_id = await auth.add_user("alice", organization_id=2)
    token = await auth.token_of("alice")
    await auth.get("/api/user", token)
    root = await auth.token_of("root")

    await auth.patch(f"/api/user/{user_id}", root, rules=[rule("user:ORGANIZATION:VIEW")])
    after = await auth.get("/api/user", token)
    await auth.delete(f"/api/user/{user_id}", root)
    gone = await auth.get("/api/user", token)

    assert (after.status_code, gone.status_code) == (200, 401)
    told = [PrincipalChanged.opened(envelope) for envelope in await auth.events()]
    assert [(change.principal_id, change.principal_version) for change in told] == [(user_id, 2), (user_id, 3)]


async def test_the_users_of_a_deleted_organization_go_with_it(auth: Auth) -> None:
    await world(auth)
    root = await auth.token_of("root")
    role = (await auth.post("/api/role", root, name="of 4", rules=[], organization_id=4)).json()["id"]
    token = await auth.token_of("plain4")

    await auth.tell(OrganizationChanged(organization_id=4, name="four", deleted=True))

    assert (await auth.post("/api/token/user/validate", token)).status_code == 401
    assert "plain4" not in [row.username for row in await auth.rows(users)]
    assert (await auth.get(f"/api/role/{role}", root)).status_code == 404
    assert (await auth.post("/api/user", root, **NEW, organization_id=4)).status_code == 404
    assert await auth.parked() == 0
