"""Logins with a second factor."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pyotp
import pytest

from services.auth.tests.kit import PASSWORD, Auth, running
from sextant_auth.models import users


@pytest.fixture
async def strict(database_url: str) -> AsyncIterator[Auth]:
    """Auth that wants a second factor, with a user."""
    async with running(database_url, two_factor=True, server_name="north") as auth:
        await auth.add_user("alice")
        yield auth


async def log_in(auth: Auth, code: str | None = None, password: str = PASSWORD) -> httpx2.Response:
    more = {} if code is None else {"mfa_code": code}
    return await auth.post("/api/token/user", username="alice", password=password, **more)


def code(auth: Auth, secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(auth.clock.now() + timedelta(seconds=30 * steps))


async def set_up(auth: Auth) -> str:
    """Set the second factor up; returns its secret, with the codes of now used."""
    secret: str = (await log_in(auth)).json()["otp_secret"]
    assert (await log_in(auth, code(auth, secret))).status_code == 200
    return secret


async def test_the_first_login_offers_a_secret_and_no_tokens(strict: Auth) -> None:
    answer = await log_in(strict)

    body = answer.json()
    assert (answer.status_code, set(body)) == (200, {"msg", "qr_uri", "otp_secret"})
    assert len(body["otp_secret"]) == 32
    assert body["qr_uri"] == (
        f"otpauth://totp/vantage6%20%28north%29:alice?secret={body['otp_secret']}&issuer=vantage6%20%28north%29"
    )
    assert "jwt-token" not in answer.headers


async def test_an_interrupted_set_up_is_offered_again_as_it_was(strict: Auth) -> None:
    first = await log_in(strict)

    assert (await log_in(strict)).json() == first.json()


async def test_a_code_completes_the_set_up_and_from_then_on_one_is_needed(strict: Auth) -> None:
    secret = await set_up(strict)

    without = await log_in(strict)
    strict.clock.move(seconds=60)
    with_code = await log_in(strict, code(strict, secret))

    assert (without.status_code, set(without.json())) == (200, {"msg"})
    assert set(with_code.json()) == {"access_token", "refresh_token", "refresh_url", "user_url"}
    assert len(await strict.audit("user.second-factor-enabled")) == 1


async def test_codes_of_the_step_before_and_after_are_good_and_no_others(strict: Auth) -> None:
    secret = await set_up(strict)

    statuses = []
    for steps in (-2, 2, -1, 0, 1):
        strict.clock.move(minutes=10)
        statuses.append((await log_in(strict, code(strict, secret, steps=steps))).status_code)

    assert statuses == [401, 401, 200, 200, 200]


async def test_a_code_counts_once(strict: Auth) -> None:
    secret = await set_up(strict)
    strict.clock.move(minutes=5)
    used = code(strict, secret)

    answers = await asyncio.gather(*(log_in(strict, used) for _ in range(4)))
    earlier = await log_in(strict, code(strict, secret, steps=-1))

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert earlier.status_code == 401


async def test_wrong_codes_lock_and_even_the_right_one_is_refused_then(strict: Auth) -> None:
    secret = await set_up(strict)
    strict.clock.move(minutes=5)

    wrong = [await log_in(strict, "000000") for _ in range(5)]
    locked = await log_in(strict, code(strict, secret))
    strict.clock.move(minutes=15, seconds=1)
    open_again = await log_in(strict, code(strict, secret))

    assert [answer.json()["code"] for answer in (*wrong, locked)] == ["wrong_mfa_code"] * 6
    assert open_again.status_code == 200
    assert len(await strict.audit("user.second-factor-locked")) == 1


async def test_half_a_login_forgets_no_failures(strict: Auth) -> None:
    await set_up(strict)
    strict.clock.move(minutes=5)
    for _ in range(3):
        await log_in(strict, "000000")
        await log_in(strict, password="Wrong-Pass-1!")
        await log_in(strict)

    alice = next(row for row in await strict.rows(users) if row.username == "alice")
    assert (alice.failed_logins, alice.otp_failures) == (3, 3)


async def test_a_locked_password_tells_nothing_of_the_second_factor(strict: Auth) -> None:
    for _ in range(5):
        await log_in(strict, password="Wrong-Pass-1!")

    answer = await log_in(strict)

    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")


async def test_a_wrong_password_is_refused_whatever_the_code(strict: Auth) -> None:
    secret = await set_up(strict)
    strict.clock.move(minutes=5)

    answer = await log_in(strict, code(strict, secret), password="Wrong-Pass-1!")

    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")


async def test_secrets_are_unreadable_at_rest_and_shown_to_nobody(strict: Auth) -> None:
    secret = await set_up(strict)
    strict.clock.move(minutes=5)
    pair = (await log_in(strict, code(strict, secret))).json()

    shown = (await strict.get(pair["user_url"], pair["access_token"])).json()

    alice = next(row for row in await strict.rows(users) if row.username == "alice")
    assert secret not in alice.otp_secret_encrypted
    assert shown["otp_secret"] is None


async def test_without_the_setting_no_code_is_asked_for(auth: Auth) -> None:
    await auth.add_user("alice")

    assert "access_token" in (await log_in(auth, "123456")).json()
