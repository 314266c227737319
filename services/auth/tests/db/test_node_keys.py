"""Users give nodes new API keys."""

from typing import Any
from uuid import UUID

import pytest

from services.auth.tests.kit import Auth
from sextant_auth.models import node_credentials

OWN, PARTNER, STRANGER = 2, 3, 4
SHARED, OTHER, UNSHARED = 1, 2, 3


@pytest.fixture
async def world(auth: Auth) -> Auth:
    """Organization 2 shares collaboration 1 with 3; 3 and 4 are in collaboration 3; 2 has 2 for itself."""
    await auth.add_collaboration(SHARED, OWN, PARTNER)
    await auth.add_collaboration(OTHER, OWN)
    await auth.add_collaboration(UNSHARED, PARTNER, STRANGER)
    return auth


async def replace(auth: Auth, token: str | None, node_id: object = 7, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await auth.post("/api/recover/node", token, id=node_id, **more)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("rule", "organization_id", "collaboration_id", "status"),
    [
        ("node:GLOBAL:EDIT", STRANGER, UNSHARED, 200),
        ("node:COLLABORATION:EDIT", OWN, OTHER, 200),
        ("node:COLLABORATION:EDIT", PARTNER, SHARED, 200),
        # that the organizations share another collaboration gives no say over this node
        ("node:COLLABORATION:EDIT", PARTNER, UNSHARED, 401),
        ("node:COLLABORATION:EDIT", STRANGER, UNSHARED, 401),
        ("node:ORGANIZATION:EDIT", OWN, SHARED, 200),
        ("node:ORGANIZATION:EDIT", PARTNER, SHARED, 401),
        ("node:GLOBAL:VIEW", OWN, SHARED, 401),
        ("node:GLOBAL:CREATE", OWN, SHARED, 401),
        ("node:GLOBAL:DELETE", OWN, SHARED, 401),
        (None, OWN, SHARED, 401),
    ],
)
async def test_who_may_edit_a_node_may_give_it_a_key(
    world: Auth, rule: str | None, organization_id: int, collaboration_id: int, status: int
) -> None:
    await world.add_node(7, organization_id=organization_id, collaboration_id=collaboration_id)
    await world.add_user("alice", organization_id=OWN, rules=[rule] if rule else [])

    answer = await replace(world, await world.token_of("alice"))

    assert answer[0] == status


@pytest.mark.parametrize(
    ("role", "status"),
    [("Root", 200), ("Organization Admin", 200), ("Collaboration Admin", 200), ("Researcher", 401), ("Viewer", 401)],
)
async def test_default_roles_may_or_may_not(world: Auth, role: str, status: int) -> None:
    await world.add_node(7, organization_id=OWN, collaboration_id=SHARED)
    await world.add_user("alice", organization_id=OWN, roles=[role])

    assert (await replace(world, await world.token_of("alice")))[0] == status


async def test_the_new_key_opens_and_the_old_one_and_all_that_rests_on_it_ends(world: Auth) -> None:
    old_key = await world.add_node(7, organization_id=OWN, collaboration_id=SHARED, name="station")
    old = await world.log_in_node(old_key)

    status, body = await replace(world, await world.token_of())

    new_key = body["api_key"]
    assert (status, set(body), str(UUID(new_key, version=4))) == (200, {"api_key"}, new_key)
    assert (await world.post("/api/token/node", api_key=old_key)).status_code == 401
    assert (await world.post("/api/token/node/validate", old["access_token"])).status_code == 401
    assert (await world.refresh(old["refresh_token"])).status_code == 401
    new = await world.log_in_node(new_key)
    shown = (await world.post("/api/token/node/validate", new["access_token"])).json()
    assert (shown["name"], shown["organization_id"]) == ("station", OWN)


async def test_an_unknown_node_is_told_to_be_unknown(world: Auth) -> None:
    await world.add_user("alice")

    assert (await replace(world, await world.token_of(), 987654))[0] == 404
    assert (await replace(world, await world.token_of("alice"), 987654))[0] == 404


async def test_only_users_may(world: Auth) -> None:
    pair = await world.log_in_node(await world.add_node(7, organization_id=OWN, collaboration_id=SHARED))

    assert (await replace(world, pair["access_token"]))[0] == 403
    assert (await replace(world, None))[0] == 401
    assert (await replace(world, await world.service_token()))[0] == 422


async def test_a_collaboration_that_auth_has_not_heard_of_is_asked_of_api(auth: Auth) -> None:
    await auth.add_node(7, organization_id=PARTNER, collaboration_id=SHARED)
    await auth.add_user("alice", organization_id=OWN, rules=["node:COLLABORATION:EDIT"])
    auth.api.collaborations[SHARED] = [OWN, PARTNER]

    assert (await replace(auth, await auth.token_of("alice")))[0] == 200


async def test_without_api_nobody_is_refused_for_what_is_not_known(auth: Auth) -> None:
    await auth.add_node(7, organization_id=PARTNER, collaboration_id=SHARED)
    await auth.add_user("alice", organization_id=OWN, rules=["node:COLLABORATION:EDIT"])
    auth.api.down = True

    assert (await replace(auth, await auth.token_of("alice")))[0] == 503


async def test_new_keys_and_refusals_leave_traces(world: Auth) -> None:
    await world.add_node(7, organization_id=OWN, collaboration_id=SHARED)
    await world.add_user("alice", organization_id=OWN)
    await replace(world, await world.token_of())
    await replace(world, await world.token_of("alice"))

    traces = (await world.audit("node.key-set"))[1:]
    assert [(trace.actor_name, trace.target_id, trace.outcome, trace.reason) for trace in traces] == [
        ("root", 7, "done", None),
        ("alice", 7, "refused", "not_permitted"),
    ]


async def test_the_key_is_stored_nowhere(world: Auth) -> None:
    await world.add_node(7, organization_id=OWN, collaboration_id=SHARED)

    _, body = await replace(world, await world.token_of())

    assert body["api_key"] not in str(await world.rows(node_credentials))


@pytest.mark.parametrize("node_id", ["abc", 0, -1, None, "1.5"])
async def test_what_is_no_id_is_told(auth_on_sqlite: Auth, node_id: object) -> None:
    status, body = await replace(auth_on_sqlite, await auth_on_sqlite.token_of(), node_id)

    assert (status, set(body["errors"])) == (400, {"id"})


@pytest.mark.parametrize("node_id", [987654, 2**63, 1.5])
async def test_what_cannot_be_an_id_is_an_unknown_node(auth_on_sqlite: Auth, node_id: float) -> None:
    status, _ = await replace(auth_on_sqlite, await auth_on_sqlite.token_of(), node_id)

    assert status == 404


async def test_what_is_not_known_is_refused(auth_on_sqlite: Auth) -> None:
    status, body = await replace(auth_on_sqlite, await auth_on_sqlite.token_of(), 987654, x=1)

    assert (status, set(body["errors"])) == (400, {"x"})
