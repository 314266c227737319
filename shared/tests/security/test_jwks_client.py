"""How auth's public keys are fetched, kept and asked for again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.security.jwks_client import JWKS_PATH, JwksClient


class Auth:
    """Auth's key document, and what becomes of the requests for it."""

    def __init__(self) -> None:
        self.document: Any = {"keys": []}
        self.away = False
        self.requests = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def publish(self, *kids: str) -> None:
        self.document = {
            "keys": [
                ECKey.generate_key("P-256", {"kid": kid}, private=True, auto_kid=False).as_dict(private=False)
                for kid in kids
            ]
        }

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == JWKS_PATH
        self.requests += 1
        await self.may_answer.wait()
        if self.away:
            raise httpx2.ConnectError("nobody is there", request=request)
        return httpx2.Response(200, json=self.document)


class Monotonic:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
async def jwks(auth: Auth, monotonic: Monotonic) -> AsyncIterator[JwksClient]:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(auth.answer), base_url="http://auth") as http:
        yield JwksClient(http, monotonic=monotonic)


def kid_of(key: ECKey | None) -> str | None:
    return None if key is None else key.kid


async def test_a_key_is_found_by_its_name(auth: Auth, jwks: JwksClient) -> None:
    auth.publish("first", "second")

    assert kid_of(await jwks.key("second")) == "second"


async def test_keys_that_are_known_are_not_asked_for_again(auth: Auth, jwks: JwksClient) -> None:
    auth.publish("first")

    for _ in range(3):
        await jwks.key("first")

    assert auth.requests == 1


async def test_many_who_miss_a_key_at_once_share_one_request(auth: Auth, jwks: JwksClient) -> None:
    auth.publish("first")
    auth.may_answer.clear()
    waiting = [asyncio.create_task(jwks.key("first")) for _ in range(20)]
    while not auth.requests:
        await asyncio.sleep(0)

    auth.may_answer.set()
    found = await asyncio.gather(*waiting)

    assert (auth.requests, {kid_of(key) for key in found}) == (1, {"first"})


async def test_many_who_miss_a_key_while_auth_is_away_share_one_failure(auth: Auth, jwks: JwksClient) -> None:
    auth.away = True
    auth.may_answer.clear()
    waiting = [asyncio.create_task(jwks.key("first")) for _ in range(20)]
    while not auth.requests:
        await asyncio.sleep(0)

    auth.may_answer.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert (auth.requests, {type(outcome) for outcome in outcomes}) == (1, {UnavailableError})


async def test_a_new_key_is_found_once_the_cooldown_is_over(auth: Auth, jwks: JwksClient, monotonic: Monotonic) -> None:
    auth.publish("old")
    await jwks.key("old")
    auth.publish("old", "new")

    monotonic.now += 6

    assert kid_of(await jwks.key("new")) == "new"


async def test_unknown_names_do_not_make_a_load_on_auth(auth: Auth, jwks: JwksClient) -> None:
    auth.publish("first")
    await jwks.key("first")

    found = [await jwks.key(f"forged-{number}") for number in range(10)]

    assert (auth.requests, found) == (1, [None] * 10)


async def test_a_document_without_keys_does_not_replace_good_keys(
    auth: Auth, jwks: JwksClient, monotonic: Monotonic
) -> None:
    auth.publish("first")
    await jwks.key("first")
    auth.publish()
    monotonic.now += 1000

    assert kid_of(await jwks.key("first")) == "first"
    assert auth.requests == 2


async def test_a_key_that_was_withdrawn_is_gone_when_the_keys_have_aged(
    auth: Auth, jwks: JwksClient, monotonic: Monotonic
) -> None:
    auth.publish("old")
    await jwks.key("old")
    auth.publish("new")
    monotonic.now += 1000

    assert await jwks.key("old") is None


@pytest.mark.parametrize("document", [{"keys": []}, {"keys": [{"kid": "first"}]}, {"keys": 7}, {}, []], ids=str)
async def test_without_any_key_nothing_can_be_told(auth: Auth, jwks: JwksClient, document: Any) -> None:
    auth.document = document

    with pytest.raises(UnavailableError):
        await jwks.key("first")


async def test_known_keys_serve_while_auth_is_away(auth: Auth, jwks: JwksClient, monotonic: Monotonic) -> None:
    auth.publish("first")
    await jwks.key("first")
    auth.away = True

    for _ in range(3):
        monotonic.now += 1000
        assert kid_of(await jwks.key("first")) == "first"


async def test_an_unknown_name_is_not_judged_while_auth_is_away(
    auth: Auth, jwks: JwksClient, monotonic: Monotonic
) -> None:
    auth.publish("first")
    await jwks.key("first")
    auth.away = True
    monotonic.now += 6

    for _ in range(3):
        with pytest.raises(UnavailableError):
            await jwks.key("new")
    assert auth.requests == 2


async def test_keys_are_had_as_soon_as_auth_comes_up(auth: Auth, jwks: JwksClient) -> None:
    auth.away = True
    with pytest.raises(UnavailableError):
        await jwks.ping()

    auth.away = False
    auth.publish("first")
    await jwks.ping()

    assert kid_of(await jwks.key("first")) == "first"
    assert auth.requests == 2
