"""Signing keys take turns without anybody noticing."""

import asyncio

import pytest
from pydantic import SecretStr

from services.auth.tests.kit import Auth, running
from sextant_auth.keys.rotation import CreatePending, Promote, Retire
from sextant_auth.models import signing_keys
from sextant_auth.secret_box import SealedSecretError
from sextant_shared.security import TokenVerifier


async def states(auth: Auth) -> list[str]:
    rows = sorted(await auth.rows(signing_keys), key=lambda row: row.created_at)
    return [row.state for row in rows]


async def published(auth: Auth) -> list[str]:
    return [key["kid"] for key in (await auth.get("/.well-known/jwks.json")).json()["keys"]]


async def rotate(auth: Auth) -> None:
    """Let a key grow old, be announced, and be replaced."""
    auth.clock.move(days=30)
    await auth.parts.keyring.rotate_if_due()
    auth.clock.move(minutes=11)
    await auth.parts.keyring.rotate_if_due()


async def test_a_young_key_stays(auth: Auth) -> None:
    assert await auth.parts.keyring.rotate_if_due() == []


async def test_a_new_key_is_published_before_it_signs(auth: Auth) -> None:
    old = (await auth.parts.keyring.signing_key()).kid
    auth.clock.move(days=30)

    steps = await auth.parts.keyring.rotate_if_due()

    assert [type(step) for step in steps] == [CreatePending]
    assert len(await published(auth)) == 2
    assert (await auth.parts.keyring.signing_key()).kid == old


async def test_a_published_key_signs_and_the_one_before_loses_its_private_half(auth: Auth) -> None:
    old = (await auth.parts.keyring.signing_key()).kid

    await rotate(auth)

    rows = {row.kid: row for row in await auth.rows(signing_keys)}
    assert (rows[old].state, rows[old].private_jwk_encrypted) == ("passive", None)
    assert (await auth.parts.keyring.signing_key()).kid != old
    assert await states(auth) == ["passive", "active"]


async def test_tokens_of_the_key_before_stay_good(database_url: str) -> None:
    async with running(database_url, access_token_seconds=90 * 24 * 3600) as auth:
        token = await auth.token_of("root")
        old = (await auth.parts.keyring.signing_key()).kid

        await rotate(auth)

        assert old in await published(auth)
        # a verifier that has never seen the token before
        auth.service.app.state.gate.verifier = TokenVerifier(auth.parts.keyring)
        assert (await auth.get("/api/user/1", token)).status_code == 200


async def test_a_key_goes_when_nothing_it_signed_is_valid(auth: Auth) -> None:
    old = (await auth.parts.keyring.signing_key()).kid
    await rotate(auth)
    auth.clock.move(days=29)
    await auth.parts.keyring.rotate_if_due()
    still_there = old in await published(auth)
    auth.clock.move(days=1, minutes=3)

    steps = await auth.parts.keyring.rotate_if_due()

    assert still_there
    assert Retire(old) in steps
    assert old not in await published(auth)


async def test_two_replicas_that_rotate_at_once_make_one_key(auth: Auth, database_url: str) -> None:
    async with running(database_url) as other:
        auth.clock.move(days=30)
        both = (auth.parts.keyring, other.parts.keyring)
        announced = await asyncio.gather(*(keyring.rotate_if_due() for keyring in both))
        auth.clock.move(minutes=11)
        promoted = await asyncio.gather(*(keyring.rotate_if_due() for keyring in both))

        assert await states(auth) == ["passive", "active"]
        assert sum(isinstance(step, CreatePending) for steps in announced for step in steps) == 1
        assert sum(isinstance(step, Promote) for steps in promoted for step in steps) == 1


async def test_a_replica_believes_a_key_that_another_made_meanwhile(auth: Auth, database_url: str) -> None:
    async with running(database_url) as other:
        await other.get("/api/user/1", await other.token_of("root"))
        await rotate(auth)
        token = await auth.token_of("root")
        other.parts.keyring._loaded_at = float("-inf")

        assert (await other.get("/api/user/1", token)).status_code == 200


async def test_private_halves_are_unreadable_at_rest(auth: Auth) -> None:
    (row,) = await auth.rows(signing_keys)

    assert '"d"' not in row.private_jwk_encrypted
    assert "d" not in row.public_jwk


async def test_another_encryption_secret_opens_no_key(database_url: str) -> None:
    async with running(database_url) as auth:
        keyring = auth.parts.keyring
        keyring._box = type(keyring._box)(SecretStr("another-secret-of-some-length"))

        with pytest.raises(SealedSecretError):
            await keyring.signing_key()


async def test_signing_and_verifying_ask_the_database_nothing(auth: Auth) -> None:
    await auth.service_token()
    with auth.counting() as statements:
        await auth.service_token()

    assert len(statements) == 0


async def test_a_forged_kid_does_not_make_every_request_a_query(auth: Auth) -> None:
    await auth.parts.keyring.key("unknown")
    with auth.counting() as statements:
        for number in range(10):
            await auth.parts.keyring.key(f"unknown-{number}")

    assert len(statements) == 0
