"""The catalogue of rules, and who is told what somebody holds."""

from typing import Any

import httpx2
import pytest

from services.auth.tests.kit import Auth

VIEWER = 4


def ids(answer: httpx2.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [rule["id"] for rule in answer.json()["data"]]


async def test_a_rule_looks_as_on_the_wire(auth: Auth) -> None:
    await auth.add_user("alice")

    answer = await auth.get("/api/rule/31", await auth.token_of("alice"))

    assert answer.json() == {
        "id": 31,
        "name": "task",
        "scope": "OWN",
        "operation": "VIEW",
        "description": "view tasks that you initiated",
        "users": "/api/user?rule_id=31",
    }
    assert (await auth.get("/api/rule/987654", await auth.token_of("alice"))).status_code == 404


async def test_the_catalogue_is_paged_unless_that_is_not_wanted(auth: Auth) -> None:
    await auth.add_user("alice")
    token = await auth.token_of("alice")

    paged = await auth.get("/api/rule", token)
    whole = await auth.get("/api/rule", token, no_pagination="1")
    still_paged = [await auth.get("/api/rule", token, no_pagination=value) for value in ("0", "true")]

    assert (ids(paged), paged.headers["total-count"]) == (list(range(1, 11)), "86")
    assert ids(whole) == list(range(1, 87))
    assert whole.json()["links"] == dict.fromkeys(("first", "self", "last"), "/api/rule?no_pagination=1&page=1")
    assert [len(ids(answer)) for answer in still_paged] == [10, 10]


LISTS: list[tuple[dict[str, Any], int]] = [
    ({"name": "node"}, 12),
    ({"name": "Node"}, 0),
    ({"scope": "own"}, 5),
    ({"scope": "GLOBAL"}, 31),
    ({"scope": "foo"}, 0),
    ({"operation": "e"}, 18),
    ({"operation": "VIEW"}, 27),
    ({"operation": "foo"}, 0),
    ({"operation": ""}, 0),
    ({"role_id": VIEWER}, 15),
    ({"user_id": 1}, 86),
    ({"user_id": 1, "name": "run"}, 4),
    ({"sort": "-name"}, 86),
]


async def test_the_catalogue_is_filtered(auth: Auth) -> None:
    root = await auth.token_of("root")

    found = [(query, len(ids(await auth.get("/api/rule", root, per_page=100, **query)))) for query, _ in LISTS]

    assert found == LISTS


@pytest.mark.parametrize(
    "query",
    [
        {"role_id": 987654},
        {"user_id": 987654},
        {"user_id": ""},
        {"user_id": "1.5"},
        {"role_id": "9" * 20},
        {"page": "1.5"},
        {"sort": "metadata"},
    ],
)
async def test_a_senseless_query_is_the_callers_mistake(auth_on_sqlite: Auth, query: dict[str, Any]) -> None:
    root = await auth_on_sqlite.token_of("root")

    assert (await auth_on_sqlite.get("/api/rule", root, **query)).status_code == 400


async def test_what_a_user_holds_is_for_itself_and_those_who_see_its_roles(auth: Auth) -> None:
    own = await auth.add_user("alice", organization_id=2, roles=["container"], rules=["task:OWN:VIEW"])
    other = await auth.add_user("bob", organization_id=2)
    await auth.add_user("admin", organization_id=2, rules=["role:ORGANIZATION:VIEW"])
    stranger = await auth.add_user("stranger", organization_id=3)
    alice, admin = await auth.token_of("alice"), await auth.token_of("admin")

    assert len(ids(await auth.get("/api/rule", alice, user_id=own))) == 9
    assert (await auth.get("/api/rule", alice, user_id=other)).status_code == 401
    assert len(ids(await auth.get("/api/rule", admin, user_id=own))) == 9
    assert (await auth.get("/api/rule", admin, user_id=stranger)).status_code == 401


async def test_what_a_role_holds_is_for_those_who_see_it(auth: Auth) -> None:
    await auth.add_user("alice", organization_id=2)
    await auth.add_user("viewer", organization_id=2, roles=["Viewer"])
    alice, viewer = await auth.token_of("alice"), await auth.token_of("viewer")

    assert (await auth.get("/api/rule", alice, role_id=VIEWER)).status_code == 401
    assert len(ids(await auth.get("/api/rule", viewer, role_id=VIEWER, per_page=20))) == 15


async def test_a_list_takes_few_statements(auth: Auth) -> None:
    root = await auth.token_of("root")
    await auth.get("/api/rule", root)
    with auth.counting() as statements:
        await auth.get("/api/rule", root, user_id=1, role_id=VIEWER)

    assert len(statements) <= 5


async def test_a_rule_may_be_asked_for_by_any_number(auth: Auth) -> None:
    root, number = await auth.token_of("root"), "9" * 20

    by_role = await auth.get("/api/role", root, rule_id=number)
    by_user = await auth.get("/api/user", root, rule_id=number)
    given = await auth.post(f"/api/role/1/rule/{2**62}", root)

    assert [answer.status_code for answer in (by_role, by_user, given)] == [404, 400, 400]
