"""Services get tokens for their secrets, and ask who principals are."""

import base64

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from services.auth.tests.kit import SECRETS, Auth, claims_of
from sextant_shared.http.access import undeclared_routes


async def ask(auth: Auth, *, basic: bytes | None = b"api:api-secret", **form: str) -> httpx2.Response:
    """Ask for a service token."""
    data = {"grant_type": "client_credentials"} | form
    headers = {"Authorization": f"Basic {base64.b64encode(basic).decode()}"} if basic is not None else {}
    return await auth.http.post("/oauth/token", data=data, headers=headers)


async def test_a_service_gets_a_short_lived_token(auth: Auth) -> None:
    answer = await ask(auth)

    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 300)
    assert answer.headers["cache-control"] == "no-store"
    claims = claims_of(body["access_token"])
    assert (claims["sub"], claims["type"], claims["client_type"]) == ("api", "service", "service")
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize("name", SECRETS)
async def test_a_secret_may_hold_any_character(auth_on_sqlite: Auth, name: str) -> None:
    assert (await ask(auth_on_sqlite, basic=f"{name}:{SECRETS[name]}".encode())).status_code == 200


async def test_a_secret_may_be_form_encoded_as_the_standard_says(auth_on_sqlite: Auth) -> None:
    assert (await ask(auth_on_sqlite, basic=b"relay:relay%2Bsecret%2Fwith%25signs%3D")).status_code == 200


@pytest.mark.parametrize(
    "basic", [None, b"api:wrong", b"api", b"api:", b"nobody:api-secret", b":", b"relay:api-secret", b"\xff:\xff"]
)
async def test_a_wrong_secret_gets_nothing(auth_on_sqlite: Auth, basic: bytes | None) -> None:
    answer = await ask(auth_on_sqlite, basic=basic)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_a_wrong_secret_leaves_a_trace(auth: Auth) -> None:
    await ask(auth, basic=b"relay:wrong")

    (trace,) = await auth.audit("service.logged-in")
    assert (trace.actor_name, trace.outcome, trace.reason) == ("relay", "refused", "wrong_secret")


@pytest.mark.parametrize("grant_type", ["password", "", "authorization_code"])
async def test_there_is_only_one_grant(auth_on_sqlite: Auth, grant_type: str) -> None:
    answer = await ask(auth_on_sqlite, grant_type=grant_type)

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_user_is_shown_with_all_its_rules(auth: Auth) -> None:
    user_id = await auth.add_user(
        "alice", organization_id=4, roles=["container"], rules=["task:OWN:VIEW", "node:ORGANIZATION:VIEW"]
    )

    answer = await auth.get(f"/internal/principals/user/{user_id}", await auth.service_token("relay"))

    body = answer.json()
    assert (body["client_type"], body["id"], body["organization_id"], body["name"]) == ("user", user_id, 4, "alice")
    assert len(body["rules"]) == 9
    assert {"task:OWN:VIEW", "node:ORGANIZATION:VIEW", "task:COLLABORATION:VIEW"} <= set(body["rules"])
    assert (body["version"], body["tokens_valid_from"], body["active"]) == (1, 0, True)


async def test_a_node_and_its_containers_have_the_rules_of_their_roles(auth: Auth) -> None:
    await auth.add_node(7, organization_id=3, collaboration_id=2)
    token = await auth.service_token()

    node = (await auth.get("/internal/principals/node/7", token)).json()
    container = (await auth.get("/internal/principals/container/7", token)).json()

    assert (node["organization_id"], node["collaboration_id"], len(node["rules"])) == (3, 2, 10)
    assert (container["organization_id"], container["collaboration_id"], len(container["rules"])) == (3, 2, 8)
    assert "node:ORGANIZATION:EDIT" in node["rules"]
    assert "node:ORGANIZATION:EDIT" not in container["rules"]


@pytest.mark.parametrize(
    "path", ["user/987654", "node/987654", "container/987654", "service/1", "else/1", "user/abc", "user/-1"]
)
async def test_there_is_no_such_principal(auth: Auth, path: str) -> None:
    assert (await auth.get(f"/internal/principals/{path}", await auth.service_token())).status_code == 404


async def test_internal_routes_are_for_services_alone(auth: Auth) -> None:
    assert (await auth.get("/internal/principals/user/1")).status_code == 401
    assert (await auth.get("/internal/principals/user/1", await auth.token_of("root"))).status_code == 422


def test_every_route_says_who_may_call_it(auth_on_sqlite: Auth) -> None:
    assert undeclared_routes(auth_on_sqlite.service.app) == []


def test_no_route_has_gone(auth_on_sqlite: Auth) -> None:
    assert len(list(iter_route_contexts(auth_on_sqlite.service.app.routes))) >= 29


async def test_it_is_ready_with_a_database(auth: Auth) -> None:
    answer = await auth.get("/readyz")

    assert answer.json() == {"ready": True, "checks": {"database": True, "broker": True}}
