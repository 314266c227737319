"""Who gets through the rules that routes declare, and that no route can go without one."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.types import Message

from sextant_shared.contract.claims import ClientType, TokenUse
from sextant_shared.contract.routing import API, RELAY
from sextant_shared.http.access import (
    AccessRule,
    Anyone,
    Caller,
    Gate,
    Peer,
    Router,
    declared_routes,
    undeclared_routes,
)
from sextant_shared.http.health import health_router
from sextant_shared.http.service import make_app
from sextant_shared.security import Principal, PrincipalCache, TokenVerifier
from sextant_shared.testing.fakes import FakeAuth, bearer


def make(auth: FakeAuth) -> FastAPI:
    app = make_app(title="test", description="")
    Gate(TokenVerifier(auth), PrincipalCache(auth)).install(app)

    @app.get("/open", dependencies=[Depends(Anyone())])
    async def everybody() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/any")
    async def any_principal(caller: Annotated[Principal, Depends(Caller())]) -> dict[str, Any]:
        return {"kind": caller.client_type, "id": caller.id}

    @app.get("/users")
    async def users(caller: Annotated[Principal, Depends(Caller(ClientType.USER))]) -> dict[str, Any]:
        return {"kind": caller.client_type, "id": caller.id}

    @app.get("/internal/thing")
    async def services(caller: Annotated[Principal, Depends(Peer(API))]) -> dict[str, Any]:
        return {"name": caller.name}

    @app.get("/internal/any")
    async def any_service(caller: Annotated[Principal, Depends(Peer())]) -> dict[str, Any]:
        return {"name": caller.name}

    return app


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
async def http(auth: FakeAuth) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(make(auth)), base_url="http://test") as http:
        yield http


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- principals ------------------------------------------------------------------------------------


async def test_an_open_route_looks_at_no_token(http: httpx2.AsyncClient) -> None:
    for headers in ({}, bearer("nonsense")):
        assert (await http.get("/open", headers=headers)).status_code == 200


async def test_each_kind_of_principal_is_known_by_its_token(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    user = auth.add_user(organization_id=1)
    node = auth.add_node(3, organization_id=1, collaboration_id=2)
    tokens = [auth.token(user), auth.token(node), auth.container_token(node, task_id=11, image="i")]

    answers = [(await http.get("/any", headers=bearer(token))).json() for token in tokens]

    assert answers == [
        {"kind": "user", "id": user.id},
        {"kind": "node", "id": 3},
        {"kind": "container", "id": 11},
    ]


async def test_a_wrong_kind_of_principal_is_told_so(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    node = auth.add_node(3, organization_id=1, collaboration_id=2)

    for token in (auth.token(node), auth.container_token(node, task_id=11, image="i")):
        assert told(await http.get("/users", headers=bearer(token))) == (403, "wrong_principal")


async def test_a_token_for_another_purpose_does_not_open_a_route(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    user = auth.add_user(organization_id=1)

    for token in (auth.token(user, use=TokenUse.REFRESH), auth.service_token(API)):
        assert told(await http.get("/any", headers=bearer(token))) == (422, "invalid_token")


async def test_an_access_token_that_calls_itself_a_service_is_none(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    token = auth.sign(ClientType.SERVICE, API)

    assert told(await http.get("/any", headers=bearer(token))) == (403, "wrong_principal")
    assert told(await http.get("/internal/any", headers=bearer(token))) == (422, "invalid_token")


async def test_an_expired_token_is_told_apart(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    token = auth.token(auth.add_user(organization_id=1), lifetime_seconds=-3600)

    assert told(await http.get("/any", headers=bearer(token))) == (401, "expired_token")


async def test_a_principal_that_is_gone_is_let_in_no_more(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    user = auth.add_user(organization_id=1)
    auth.remove(user)

    assert told(await http.get("/any", headers=bearer(auth.token(user)))) == (401, "invalid_token")


async def test_while_auth_is_away_an_unknown_principal_is_asked_to_wait(
    auth: FakeAuth, http: httpx2.AsyncClient
) -> None:
    token = auth.token(auth.add_user(organization_id=1))
    auth.down = True

    answer = await http.get("/any", headers=bearer(token))

    assert told(answer) == (503, "unavailable")
    assert answer.headers["retry-after"]


# -- the header ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (401, "unauthenticated")),
        ("", (401, "unauthenticated")),
        ("Basic cm9vdDpyb290", (401, "unauthenticated")),
        ("Token {token}", (401, "unauthenticated")),
        ("{token}", (401, "unauthenticated")),
        ("bearer {token}", (401, "unauthenticated")),
        ("BEARER {token}", (401, "unauthenticated")),
        ("Bearer", (422, "unreadable_token")),
        ("Bearer ", (422, "unreadable_token")),
        ("Bearer {token} {token}", (422, "unreadable_token")),
        ("Bearer 12345", (422, "unreadable_token")),
        ("Bearer a.b.c", (422, "unreadable_token")),
        ('Bearer "{token}"', (422, "unreadable_token")),
    ],
)
async def test_the_header_must_hold_a_bearer_token(
    auth: FakeAuth, http: httpx2.AsyncClient, header: str | None, expected: tuple[int, str]
) -> None:
    token = auth.token(auth.add_user(organization_id=1))
    headers = {} if header is None else {"Authorization": header.format(token=token)}

    assert told(await http.get("/any", headers=headers)) == expected


async def test_a_token_stands_in_the_header_and_nowhere_else(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    token = auth.token(auth.add_user(organization_id=1))
    http.cookies.set("access_token_cookie", token)

    assert told(await http.get(f"/any?jwt={token}&access_token={token}")) == (401, "unauthenticated")


# -- services --------------------------------------------------------------------------------------


async def test_an_internal_route_is_for_the_services_it_names(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    answer = await http.get("/internal/thing", headers=bearer(auth.service_token(API)))

    assert (answer.status_code, answer.json()) == (200, {"name": API})
    refused = await http.get("/internal/thing", headers=bearer(auth.service_token(RELAY)))
    assert told(refused) == (403, "wrong_principal")
    assert (await http.get("/internal/any", headers=bearer(auth.service_token(RELAY)))).json() == {"name": RELAY}


async def test_an_internal_route_is_closed_to_everybody_else(auth: FakeAuth, http: httpx2.AsyncClient) -> None:
    root = auth.token(auth.add_user(organization_id=1, role="Root"))

    assert told(await http.get("/internal/any")) == (401, "unauthenticated")
    assert told(await http.get("/internal/any", headers=bearer(root))) == (422, "invalid_token")


# -- declaring -------------------------------------------------------------------------------------


def test_an_application_whose_routes_all_declare_a_rule_has_no_undeclared_ones(auth: FakeAuth) -> None:
    app = make(auth)
    app.include_router(health_router({}))

    assert undeclared_routes(app) == []
    assert set(declared_routes(app)) == {
        "GET /open",
        "GET /any",
        "GET /users",
        "GET /internal/thing",
        "GET /internal/any",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    }


class Thing(BaseModel):
    name: str


def with_bodies(auth: FakeAuth) -> FastAPI:
    app, router = make(auth), Router(prefix="/things")

    @router.post("")
    async def add(thing: Thing, caller: Annotated[Principal, Depends(Caller(ClientType.USER))]) -> dict[str, Any]:
        return {"name": thing.name, "id": caller.id}

    @app.post("/direct")
    async def add_directly(thing: Thing, caller: Annotated[Principal, Depends(Caller())]) -> dict[str, Any]:
        return {"name": thing.name, "id": caller.id}

    app.include_router(router)
    return app


@pytest.mark.parametrize("path", ["/things", "/direct"])
async def test_of_who_may_not_call_no_body_is_read(auth: FakeAuth, path: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"9")],
        "state": {},
    }
    await with_bodies(auth)(scope, receive, send)

    assert sent[0]["status"] == 401


@pytest.mark.parametrize("path", ["/things", "/direct"])
async def test_who_may_call_is_told_what_is_wrong_with_the_body(auth: FakeAuth, path: str) -> None:
    node, user = auth.add_node(3, organization_id=1, collaboration_id=2), auth.add_user(organization_id=1)
    transport = httpx2.ASGITransport(with_bodies(auth))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:

        async def post(content: bytes, token: str | None) -> int:
            headers = {"content-type": "application/json"} | (bearer(token) if token else {})
            return (await http.post(path, content=content, headers=headers)).status_code

        assert await post(b"{", None) == 401
        assert await post(b"{", "nonsense") == 422
        assert await post(b"{", auth.token(node)) == (403 if path == "/things" else 400)
        assert await post(b"{", auth.token(user)) == 400
        assert await post(b'{"name": "it"}', auth.token(user)) == 200


async def test_a_rule_is_asked_once_for_each_request(auth: FakeAuth) -> None:
    class Counting(Caller):
        asked = 0

        async def identify(self, request: Request) -> Principal:
            self.asked += 1
            return await super().identify(request)

    rule = Counting()
    app = make(auth)

    @app.post("/counted")
    async def counted(caller: Annotated[Principal, Depends(rule)], again: Annotated[Principal, Depends(rule)]) -> bool:
        return caller is again

    token = auth.token(auth.add_user(organization_id=1))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http:
        for _ in range(2):
            assert (await http.post("/counted", headers=bearer(token))).json() is True

    assert rule.asked == 2


def test_a_route_without_a_rule_is_found(auth: FakeAuth) -> None:
    app = make(auth)

    @app.post("/forgotten")
    async def forgotten() -> None: ...

    assert undeclared_routes(app) == ["['POST'] /forgotten"]


def test_a_route_without_a_rule_is_found_in_an_included_router(auth: FakeAuth) -> None:
    app, outer, inner = make(auth), APIRouter(prefix="/outer"), APIRouter(prefix="/inner")

    @inner.delete("/forgotten")
    async def forgotten() -> None: ...

    outer.include_router(inner)
    app.include_router(outer, prefix="/api")

    assert undeclared_routes(app) == ["['DELETE'] /api/outer/inner/forgotten"]


def test_a_rule_of_the_router_counts_for_its_routes(auth: FakeAuth) -> None:
    app, router = make(auth), APIRouter()

    @router.get("/covered")
    async def covered() -> None: ...

    app.include_router(router, dependencies=[Depends(Anyone())])

    assert undeclared_routes(app) == []


def test_a_route_with_two_rules_is_found(auth: FakeAuth) -> None:
    app = make(auth)

    @app.get("/torn", dependencies=[Depends(Anyone()), Depends(Caller())])
    async def torn() -> None: ...

    assert undeclared_routes(app) == ["['GET'] /torn"]


@pytest.mark.parametrize("rule", [Caller(), Peer()])
def test_a_rule_that_is_asked_after_the_body_was_read_is_found(auth: FakeAuth, rule: AccessRule) -> None:
    app, plain, guarded = make(auth), APIRouter(), Router()

    @plain.get("/internal/plain", dependencies=[Depends(rule)])
    async def late() -> None: ...

    @guarded.get("/internal/included")
    async def later() -> None: ...

    @guarded.get("/internal/guarded", dependencies=[Depends(Peer())])
    async def in_time() -> None: ...

    app.include_router(plain)
    app.include_router(guarded, prefix="/internal", dependencies=[Depends(Peer())])

    assert "['GET'] /internal/internal/included" in undeclared_routes(app)
    assert "['GET'] /internal/plain" in undeclared_routes(app)


def test_an_internal_route_that_is_open_to_others_than_services_is_found(auth: FakeAuth) -> None:
    app = make(auth)

    @app.get("/internal/leak", dependencies=[Depends(Caller())])
    async def leak() -> None: ...

    assert undeclared_routes(app) == ["['GET'] /internal/leak"]


def test_an_application_that_was_mounted_is_found(auth: FakeAuth) -> None:
    app = make(auth)
    app.mount("/other", FastAPI())

    assert [name for name in undeclared_routes(app) if name.endswith("/other")] != []
