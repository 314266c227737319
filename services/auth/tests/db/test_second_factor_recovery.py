"""Users who lost their second factor set up another with their password and a token that is mailed to them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pyotp
import pytest

from services.auth.tests.kit import PASSWORD, Auth, running
from sextant_auth.models import users

SUBJECT = "Set up your second factor anew"
NOTICE = "Your second factor was set up anew"


@pytest.fixture
async def strict(database_url: str) -> AsyncIterator[Auth]:
    """Auth that wants a second factor, with a user."""
    async with running(database_url, two_factor=True) as auth:
        await auth.add_user("alice")
        yield auth


async def log_in(auth: Auth, secret: str | None = None) -> httpx2.Response:
    code = {} if secret is None else {"mfa_code": pyotp.TOTP(secret).at(auth.clock.now())}
    return await auth.post("/api/token/user", username="alice", password=PASSWORD, **code)


async def set_up(auth: Auth) -> str:
    """Set the second factor up; returns its secret."""
    secret: str = (await log_in(auth)).json()["otp_secret"]
    assert (await log_in(auth, secret)).status_code == 200
    auth.clock.move(minutes=5)
    return secret


async def lose(auth: Auth, password: str = PASSWORD, username: str = "alice") -> httpx2.Response:
    return await auth.post("/api/recover/2fa/lost", username=username, password=password)


async def reset(auth: Auth, token: str) -> httpx2.Response:
    return await auth.post("/api/recover/2fa/reset", reset_token=token)


def refused(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, "invalid_reset_token")


async def test_a_mailed_token_gives_a_new_second_factor_and_ends_the_old_one(strict: Auth) -> None:
    old = await set_up(strict)
    lost = await lose(strict)

    answer = await reset(strict, await strict.mailed_token(SUBJECT))

    body = answer.json()
    assert (lost.status_code, set(lost.json())) == (200, {"msg"})
    assert (answer.status_code, set(body)) == (200, {"msg", "qr_uri", "otp_secret"})
    assert body["otp_secret"] != old
    assert len(body["otp_secret"]) == 32
    assert f"secret={body['otp_secret']}&issuer=vantage6%20%28sextant%29" in body["qr_uri"]
    assert (await log_in(strict, old)).status_code == 401
    assert "access_token" in (await log_in(strict, body["otp_secret"])).json()


async def test_a_user_may_be_named_by_mail_address_as_clients_do(strict: Auth) -> None:
    await set_up(strict)
    by_name = {"username": "alice", "email": None, "password": PASSWORD}
    by_address = {"username": None, "email": "Alice@users.test", "password": PASSWORD}

    for body in (by_name, by_address):
        assert (await strict.post("/api/recover/2fa/lost", **body)).status_code == 200
        assert (await reset(strict, await strict.mailed_token(SUBJECT))).status_code == 200


async def test_a_wrong_password_for_a_mail_address_is_refused_like_one_for_nobodys(strict: Auth) -> None:
    answers = [
        await strict.post("/api/recover/2fa/lost", email=email, password="wrong")
        for email in ("alice@users.test", "nobody@users.test")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "login_failed")] * 2
    assert await strict.mails() == []


async def test_the_password_alone_never_shows_the_new_secret(strict: Auth) -> None:
    await set_up(strict)
    await lose(strict)
    await reset(strict, await strict.mailed_token(SUBJECT))

    assert set((await log_in(strict)).json()) == {"msg"}


async def test_a_token_works_once_and_at_once_for_one(strict: Auth) -> None:
    await lose(strict)
    token = await strict.mailed_token(SUBJECT)

    answers = await asyncio.gather(*(reset(strict, token) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert refused(await reset(strict, token))


async def test_a_token_ends_after_an_hour(strict: Auth) -> None:
    await lose(strict)
    token = await strict.mailed_token(SUBJECT)
    strict.clock.move(minutes=60, seconds=1)

    assert refused(await reset(strict, token))


async def test_a_token_for_the_password_sets_no_second_factor(strict: Auth) -> None:
    secret = await set_up(strict)
    await strict.post("/api/recover/lost", username="alice")
    token = await strict.mailed_token("Set a new password")

    assert refused(await reset(strict, token))
    assert "access_token" in (await log_in(strict, secret)).json()


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_token_of_a_login_sets_no_second_factor(auth: Auth, kind: str) -> None:
    assert refused(await reset(auth, (await auth.log_in())[kind]))


async def test_a_second_mail_is_sent_once_the_first_is_an_hour_old(strict: Auth) -> None:
    first = await lose(strict)
    second = await lose(strict)
    early = len(await strict.mails(SUBJECT))
    strict.clock.move(minutes=60, seconds=1)
    await lose(strict)

    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert early == 1
    assert len(await strict.mails(SUBJECT)) == 2


async def test_who_used_the_last_mail_may_have_another_at_once(strict: Auth) -> None:
    await lose(strict)
    await reset(strict, await strict.mailed_token(SUBJECT))

    await lose(strict)

    assert len(await strict.mails(SUBJECT)) == 2
    assert (await reset(strict, await strict.mailed_token(SUBJECT))).status_code == 200


async def test_a_stranger_who_asks_for_the_password_holds_up_no_mail_about_the_second_factor(strict: Auth) -> None:
    await strict.post("/api/recover/lost", username="alice")
    await lose(strict)

    assert len(await strict.mails(SUBJECT)) == 1


async def test_a_wrong_password_counts_like_a_failed_login_and_sends_nothing(strict: Auth) -> None:
    wrong = [await lose(strict, "Wrong-Pass-1!") for _ in range(5)]
    locked = await lose(strict)

    assert [answer.status_code for answer in (*wrong, locked)] == [401] * 6
    assert {answer.json()["msg"] for answer in (*wrong, locked)} == {wrong[0].json()["msg"]}
    assert await strict.mails(SUBJECT) == []
    assert len(await strict.audit("user.locked")) == 1
    assert (await log_in(strict)).status_code == 401


async def test_an_unknown_name_costs_the_statements_of_a_known_one(strict: Auth) -> None:
    await lose(strict, "Wrong-Pass-1!", "nobody")  # whether old hashes are left is asked now and then
    with strict.counting() as known:
        await lose(strict, "Wrong-Pass-1!")
    with strict.counting() as unknown:
        answer = await lose(strict, "Wrong-Pass-1!", "nobody")

    assert answer.status_code == 401
    assert unknown.texts == known.texts


async def test_the_right_password_forgets_no_failures(strict: Auth) -> None:
    await set_up(strict)
    for _ in range(3):
        await lose(strict, "Wrong-Pass-1!")
    await lose(strict)

    alice = next(row for row in await strict.rows(users) if row.username == "alice")
    assert alice.failed_logins == 3


async def test_a_reset_ends_all_logins(strict: Auth) -> None:
    secret = await set_up(strict)
    old = (await log_in(strict, secret)).json()
    await lose(strict)
    new_secret = (await reset(strict, await strict.mailed_token(SUBJECT))).json()["otp_secret"]

    assert (await strict.post("/api/token/user/validate", old["access_token"])).status_code == 401
    assert (await strict.refresh(old["refresh_token"])).status_code == 401
    new = (await log_in(strict, new_secret)).json()
    assert (await strict.post("/api/token/user/validate", new["access_token"])).status_code == 200


async def test_a_reset_forgets_guesses_at_the_old_factor(strict: Auth) -> None:
    await set_up(strict)
    for _ in range(5):
        await strict.post("/api/token/user", username="alice", password=PASSWORD, mfa_code="000000")
    await lose(strict)

    secret = (await reset(strict, await strict.mailed_token(SUBJECT))).json()["otp_secret"]

    assert "access_token" in (await log_in(strict, secret)).json()


async def test_the_new_secret_is_unreadable_at_rest(strict: Auth) -> None:
    await lose(strict)
    secret = (await reset(strict, await strict.mailed_token(SUBJECT))).json()["otp_secret"]

    assert secret not in str(await strict.rows(users))


async def test_a_reset_is_told_to_the_user_and_leaves_traces(strict: Auth) -> None:
    await lose(strict)
    await lose(strict)
    token = await strict.mailed_token(SUBJECT)
    await reset(strict, token)
    await reset(strict, token)

    traces = await strict.audit("user.second-factor-recovery-asked", "user.second-factor-reset")
    (notice,) = await strict.mails(NOTICE)
    assert notice.recipient == "alice@users.test"
    assert [(trace.actor_id, trace.action.rpartition("-")[2], trace.reason) for trace in traces] == [
        (2, "asked", None),
        (2, "asked", "too_soon"),
        (2, "reset", None),
        (None, "reset", "invalid_reset_token"),
    ]


async def test_an_account_that_is_locked_while_its_password_is_checked_gets_no_mail(
    strict: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = strict.parts.hasher.check

    async def slow(stored: str | None, password: str, **more: int | None) -> object:
        checked = await check(stored, password, **more)
        await strict.set_user("alice", password_hash="something else")
        return checked

    monkeypatch.setattr(strict.parts.hasher, "check", slow)

    assert (await lose(strict)).status_code == 401
    assert await strict.mails() == []


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("lost", {}, {"username", "password"}),
        ("lost", {"username": "alice"}, {"password"}),
        ("lost", {"username": "", "password": ""}, {"username", "password"}),
        ("lost", {"username": None, "email": None, "password": "x"}, {"username"}),
        ("lost", {"email": "no address", "password": "x"}, {"email"}),
        ("lost", {"username": "alice", "password": "x", "a": 1}, {"a"}),
        ("reset", {}, {"reset_token"}),
        ("reset", {"reset_token": "x" * 1025}, {"reset_token"}),
        ("reset", {"reset_token": None, "a": 1}, {"reset_token", "a"}),
    ],
)
async def test_what_does_not_fit_is_told_field_by_field(
    auth_on_sqlite: Auth, path: str, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = await auth_on_sqlite.post(f"/api/recover/2fa/{path}", **body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, wrong)
