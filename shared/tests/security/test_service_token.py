"""How a service shows another who it is."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
import time_machine
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.security.service_token import ServiceTokenAuth, client_credentials

_LIFETIME = 300


class Auth:
    """Hands out numbered tokens, and remembers which a peer was shown."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.shown: list[str] = []
        self.refused: set[str] = set()
        self.away = False

    async def token(self) -> tuple[str, float]:
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("auth is away")
        self.handed_out += 1
        return f"token-{self.handed_out}", time.time() + _LIFETIME

    def peer(self, request: httpx2.Request) -> httpx2.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.shown.append(token)
        return httpx2.Response(401 if token in self.refused else 200, content=request.content)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
async def http(auth: Auth) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.MockTransport(auth.peer)
    async with httpx2.AsyncClient(
        transport=transport, auth=ServiceTokenAuth(auth.token), base_url="http://peer"
    ) as http:
        yield http


async def test_one_token_serves_many_calls(auth: Auth, http: httpx2.AsyncClient) -> None:
    await asyncio.gather(*(http.get("/") for _ in range(10)))

    assert auth.shown == ["token-1"] * 10


async def test_it_is_renewed_before_it_expires(auth: Auth, http: httpx2.AsyncClient) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as now:
        await http.get("/")
        now.shift(_LIFETIME - 31)
        await http.get("/")
        now.shift(2)
        await http.get("/")

    assert auth.shown == ["token-1", "token-1", "token-2"]


async def test_a_refused_token_is_replaced_and_the_call_made_once_more(auth: Auth, http: httpx2.AsyncClient) -> None:
    auth.refused = {"token-1"}

    answer = await http.post("/", json={"a": 1})

    assert (answer.status_code, answer.json(), auth.shown) == (200, {"a": 1}, ["token-1", "token-2"])


async def test_a_second_refusal_is_the_answer(auth: Auth, http: httpx2.AsyncClient) -> None:
    auth.refused = {"token-1", "token-2"}

    answer = await http.get("/")

    assert (answer.status_code, auth.shown) == (401, ["token-1", "token-2"])


async def test_many_refused_at_once_get_one_new_token(auth: Auth, http: httpx2.AsyncClient) -> None:
    await http.get("/")
    auth.refused = {"token-1"}

    await asyncio.gather(*(http.get("/") for _ in range(10)))

    assert auth.handed_out == 2


async def test_many_who_need_a_token_while_auth_is_away_share_one_failure(auth: Auth) -> None:
    asked = 0
    let_go = asyncio.Event()

    async def source() -> tuple[str, float]:
        nonlocal asked
        asked += 1
        await let_go.wait()
        raise UnavailableError("auth is away")

    transport = httpx2.MockTransport(auth.peer)
    async with httpx2.AsyncClient(transport=transport, auth=ServiceTokenAuth(source), base_url="http://peer") as http:
        calls = [asyncio.create_task(http.get("/")) for _ in range(10)]
        while not asked:
            await asyncio.sleep(0)
        let_go.set()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert (asked, {type(outcome) for outcome in outcomes}) == (1, {UnavailableError})


async def test_it_works_again_when_auth_is_back(auth: Auth, http: httpx2.AsyncClient) -> None:
    auth.away = True
    with pytest.raises(UnavailableError):
        await http.get("/")

    auth.away = False

    assert (await http.get("/")).status_code == 200


# -- asking auth -----------------------------------------------------------------------------------


def source_from(answer: httpx2.Response | Exception) -> tuple[AsyncOAuth2Client, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = AsyncOAuth2Client(
        client_id="api", client_secret="s", base_url="http://auth", transport=httpx2.MockTransport(respond)
    )
    return client, seen


async def test_auth_is_asked_with_client_credentials() -> None:
    body = {"access_token": "t", "token_type": "Bearer", "expires_in": 300}
    client, seen = source_from(httpx2.Response(200, json=body))
    async with client:
        before = time.time()
        token, expires_at = await client_credentials(client)()

    request = seen[0]
    assert token == "t"
    assert before + 299 <= expires_at <= time.time() + 300
    assert (request.method, str(request.url)) == ("POST", "http://auth/oauth/token")
    assert request.content == b"grant_type=client_credentials"
    assert request.headers["authorization"] == "Basic YXBpOnM="


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(401, json={"error": "invalid_client"}),
        httpx2.Response(503, json={"msg": "away"}),
        httpx2.Response(502, text="<html>"),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json={}),
        httpx2.Response(400, text="<html>"),
    ],
    ids=["no connection", "no answer", "wrong secret", "503", "502", "no JSON", "no token", "400"],
)
async def test_without_a_token_the_other_service_counts_as_unavailable(answer: httpx2.Response | Exception) -> None:
    client, _ = source_from(answer)
    async with client:
        with pytest.raises(UnavailableError):
            await client_credentials(client)()
