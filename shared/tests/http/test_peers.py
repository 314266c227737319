"""What one service sees of another: answers, refusals, and that it is not there."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
import structlog
from fastapi import Depends, Request

from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import NotFoundError, PermissionDeniedError, UnavailableError
from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from sextant_shared.http.access import Gate, Peer
from sextant_shared.http.peers import HttpNetwork, InProcessNetwork, PeerRefusedError, Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.http.service import make_app, wrap_app
from sextant_shared.security import Principal, PrincipalCache, TokenVerifier
from sextant_shared.settings import HttpSettings, PeerSettings
from sextant_shared.testing.fakes import FakeAuth


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
def network(auth: FakeAuth) -> InProcessNetwork:
    """A network with auth, and an api that answers in every way."""
    app = make_app(title="api", description="")
    Gate(TokenVerifier(auth), PrincipalCache(auth)).install(app)
    Caller = Annotated[Principal, Depends(Peer())]  # noqa: N806 - a type

    @app.api_route("/internal/echo", methods=["GET", "POST"])
    async def echo(request: Request, caller: Caller) -> dict[str, Any]:
        return {
            "caller": caller.name,
            "query": dict(request.query_params),
            "body": await request.json() if await request.body() else None,
            "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        }

    @app.get("/internal/missing")
    async def missing(_caller: Caller) -> None:
        raise NotFoundError("There is no such thing")

    @app.get("/internal/refused")
    async def refused(_caller: Caller) -> None:
        raise PermissionDeniedError("Not you")

    @app.get("/internal/crash")
    async def crash(_caller: Caller) -> None:
        raise RuntimeError("no luck")

    @app.get("/internal/away")
    async def away(_caller: Caller) -> None:
        raise UnavailableError("The database is away")

    inner = wrap_app(app, HttpSettings(), service=API)

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/internal/text":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>"})
            return
        await inner(scope, receive, send)

    network = auth.network()
    network.register(API, asgi)
    return network


@pytest.fixture
async def peers(network: InProcessNetwork) -> AsyncIterator[Peers]:
    peers = Peers(network, PeerSettings(client_secret="s"), name=RELAY)
    yield peers
    await peers.close()


async def test_a_call_carries_who_asks_and_what(peers: Peers) -> None:
    api = peers.peer(API)

    got = await api.get("/internal/echo", params={"a": "1"})
    sent = await api.request("POST", "/internal/echo", json={"b": 2})

    assert (got["caller"], got["query"], got["body"]) == (RELAY, {"a": "1"}, None)
    assert (sent["caller"], sent["body"]) == (RELAY, {"b": 2})


async def test_a_call_made_for_a_request_carries_its_id(peers: Peers) -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-12345"):
        answer = await peers.peer(API).get("/internal/echo")

    assert answer["request_id"] == "request-12345"


async def test_what_the_other_service_binds_for_its_logs_stays_there(peers: Peers) -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-12345", principal="user:7"):
        await peers.peer(API).get("/internal/echo")

        assert structlog.contextvars.get_contextvars() == {"request_id": "request-12345", "principal": "user:7"}


async def test_something_unknown_is_told_as_such(peers: Peers) -> None:
    with pytest.raises(NotFoundError, match="no such thing"):
        await peers.peer(API).get("/internal/missing")


async def test_a_refusal_says_why(peers: Peers) -> None:
    with pytest.raises(PeerRefusedError) as refused:
        await peers.peer(API).get("/internal/refused")

    assert (refused.value.status, refused.value.code, refused.value.msg) == (401, "permission_denied", "Not you")


@pytest.mark.parametrize("path", ["/internal/crash", "/internal/away", "/internal/text"])
async def test_a_service_that_fails_is_unavailable(peers: Peers, path: str) -> None:
    with pytest.raises(UnavailableError, match="api"):
        await peers.peer(API).get(path)


async def test_a_service_that_is_not_there_is_unavailable(peers: Peers) -> None:
    with pytest.raises(UnavailableError, match="vpn-registry"):
        await peers.peer(VPN_REGISTRY).get("/internal/echo")


async def test_without_a_token_from_auth_the_others_are_unavailable(auth: FakeAuth, peers: Peers) -> None:
    auth.down = True

    with pytest.raises(UnavailableError):
        await peers.peer(API).get("/internal/echo")


async def test_a_service_that_is_registered_later_is_found(auth: FakeAuth, network: InProcessNetwork) -> None:
    late = auth.network()
    peers = Peers(late, PeerSettings(client_secret="s"), name=RELAY)
    api = peers.peer(API)
    with pytest.raises(UnavailableError):
        await api.get("/internal/echo")

    late.register(API, network._apps[API])

    assert (await api.get("/internal/echo"))["caller"] == RELAY
    await peers.close()


async def test_a_call_that_is_given_up_ends_in_the_other_service_too(auth: FakeAuth) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, _send: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    network = auth.network()
    network.register(API, slow)
    peers = Peers(network, PeerSettings(client_secret="s"), name=RELAY)
    call = asyncio.create_task(peers.peer(API).get("/internal/echo"))
    await began.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert ended.is_set()
    await peers.close()


async def test_a_service_that_makes_its_own_tokens_asks_nobody(auth: FakeAuth, network: InProcessNetwork) -> None:
    auth.down = True

    async def own() -> tuple[str, float]:
        return auth.service_token(AUTH), float("inf")

    peers = Peers(network, PeerSettings(client_secret="s"), name=AUTH, tokens=own)

    assert (await peers.peer(API).get("/internal/echo"))["caller"] == AUTH
    await peers.close()


async def test_public_documents_are_read_without_a_token(peers: Peers) -> None:
    answer = await peers.public(AUTH).get("/.well-known/jwks.json")

    assert answer.status_code == 200
    assert "authorization" not in answer.request.headers


# -- over a real network ---------------------------------------------------------------------------


async def test_over_the_network_a_service_is_where_the_settings_say() -> None:
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if "content-length" in head.lower():
            await reader.readuntil(b"client_credentials")
        seen.append(head)
        body = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 300, "found": true}'
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n")
        writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = PeerSettings(client_secret="s", auth_url=url, api_url=url)
    peers = Peers(HttpNetwork(settings), settings, name=RELAY)
    async with server:
        body = await peers.peer(API).get("/internal/echo")
    await peers.close()

    assert body["found"]
    assert [head.split("\r\n")[0] for head in seen] == ["POST /oauth/token HTTP/1.1", "GET /internal/echo HTTP/1.1"]
    assert f"Basic {base64.b64encode(b'relay:s').decode()}" in seen[0]
    assert "Bearer t" in seen[1]


async def test_over_the_network_a_closed_port_is_unavailable() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    settings = PeerSettings(client_secret="s", auth_url=f"http://127.0.0.1:{port}")
    peers = Peers(HttpNetwork(settings), settings, name=RELAY)

    with pytest.raises(UnavailableError):
        await peers.peer(AUTH).get("/internal/echo")
    await peers.close()


@pytest.mark.parametrize(
    ("losses", "expected"),
    [(2, contextlib.nullcontext()), (3, pytest.raises(UnavailableError))],
    ids=["twice", "thrice"],
)
@pytest.mark.parametrize("sent_before", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"])
async def test_over_the_network_a_lost_connection_is_asked_again_twice(
    losses: int, expected: contextlib.AbstractContextManager[Any], sent_before: bytes
) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        whole = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
        writer.write(sent_before if asked <= losses else whole)
        await writer.drain()
        writer.close()

    async def tokens() -> tuple[str, float]:
        return "t", float("inf")

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = PeerSettings(client_secret="s", api_url=url)
    peers = Peers(HttpNetwork(settings), settings, name=RELAY, tokens=tokens)
    async with server:
        with expected:
            assert await peers.peer(API).get("/internal/echo") == {}
    await peers.close()

    assert asked == 3


# -- principals ------------------------------------------------------------------------------------


async def test_auth_is_asked_who_a_principal_is(auth: FakeAuth, peers: Peers) -> None:
    user = auth.add_user(organization_id=1, role="Viewer")
    source = HttpPrincipalSource(peers.peer(AUTH))

    assert user == await source.fetch(ClientType.USER, user.id)
    assert await source.fetch(ClientType.USER, 99) is None
    auth.down = True
    with pytest.raises(UnavailableError):
        await source.fetch(ClientType.USER, user.id)
