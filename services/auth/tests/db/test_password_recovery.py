"""Users who lost a password set a new one with a token that is mailed to them."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pyotp
import pytest

from services.auth.tests.kit import PASSWORD, Auth, running
from sextant_auth.models import audit_log, mail_queue, recovery_tokens, refresh_families, users

NEW = "Another-Pass-2?"
RECOVERY = "Set a new password"
NOTICE = "Your password was changed"
SECOND_FACTOR = "Set up your second factor anew"


async def lose(auth: Auth, **who: Any) -> httpx2.Response:
    return await auth.post("/api/recover/lost", **(who or {"username": "alice"}))


async def reset(auth: Auth, token: str, password: str = NEW) -> httpx2.Response:
    return await auth.post("/api/recover/reset", reset_token=token, password=password)


async def lost_token(auth: Auth) -> str:
    """Make alice lose her password; returns what she is mailed."""
    await auth.add_user("alice")
    assert (await lose(auth)).status_code == 200
    return await auth.mailed_token(RECOVERY)


def refused(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, "invalid_reset_token")


async def logs_in(auth: Auth, password: str) -> bool:
    return (await auth.post("/api/token/user", username="alice", password=password)).status_code == 200


@pytest.mark.parametrize(
    "who",
    [
        {"username": "alice"},
        {"username": "ALICE"},
        {"email": "alice@users.test"},
        {"email": "Alice@Users.test"},
        {"username": "alice", "email": "somebody@else.test"},
    ],
)
async def test_a_token_is_mailed_to_the_address_of_the_account(auth: Auth, who: dict[str, str]) -> None:
    await auth.add_user("alice")

    answer = await lose(auth, **who)

    (mail,) = await auth.mails()
    assert (answer.status_code, set(answer.json())) == (200, {"msg"})
    assert mail.recipient == "alice@users.test"
    assert mail.subject == "sextant: Set a new password"
    assert (await reset(auth, await auth.mailed_token(RECOVERY))).status_code == 200


@pytest.mark.parametrize(
    "who", [{"username": "nobody"}, {"email": "nobody@users.test"}, {"username": "alice@users.test"}]
)
async def test_an_unknown_user_gets_the_answer_of_a_known_one_and_nobody_a_mail(
    auth: Auth, who: dict[str, str]
) -> None:
    await auth.add_user("alice")
    known = await lose(auth)
    await auth.mails()

    unknown = await lose(auth, **who)

    assert (unknown.status_code, unknown.json()) == (known.status_code, known.json())
    assert len(await auth.mails()) == 1


async def test_an_unknown_user_costs_the_statements_of_a_known_one(auth: Auth) -> None:
    await auth.add_user("alice")
    with auth.counting() as known:
        await lose(auth)
    with auth.counting() as too_soon:
        await lose(auth)
    with auth.counting() as unknown:
        await lose(auth, username="nobody")

    assert unknown.texts == too_soon.texts == known.texts


async def test_a_second_mail_is_sent_once_the_first_is_an_hour_old_and_not_before(auth: Auth) -> None:
    await auth.add_user("alice")
    answers = [await lose(auth) for _ in range(2)]
    auth.clock.move(minutes=59)
    answers.append(await lose(auth))
    early = len(await auth.mails(RECOVERY))

    auth.clock.move(minutes=1, seconds=1)
    answers.append(await lose(auth))

    assert early == 1
    assert len(await auth.mails(RECOVERY)) == 2
    assert [answer.json() for answer in answers] == [answers[0].json()] * 4
    assert [trace.reason for trace in await auth.audit("user.password-recovery-asked")] == [
        None,
        "too_soon",
        "too_soon",
        None,
    ]


async def test_several_requests_at_once_send_one_mail(auth: Auth) -> None:
    await auth.add_user("alice")

    answers = await asyncio.gather(*(lose(auth) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(await auth.mails()) == 1


async def test_the_user_shows_when_the_last_mail_was(auth: Auth) -> None:
    await lost_token(auth)

    shown = (await auth.get("/api/user/2", await auth.token_of())).json()

    expected = (auth.clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert shown["last_email_recover_password_sent"] > expected


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"_schema"}),
        ({"username": ""}, {"_schema"}),
        ({"a": 1}, {"a"}),
        ({"username": None}, {"username"}),
        ({"username": 5}, {"username"}),
        ({"username": "x" * 129}, {"username"}),
        ({"username": "al\0ice"}, {"username"}),
        ({"email": "no address"}, {"email"}),
        ({"email": None}, {"email"}),
        ([], {"_schema"}),
    ],
)
async def test_a_malformed_loss_is_told_field_by_field(auth_on_sqlite: Auth, body: object, wrong: set[str]) -> None:
    answer = await auth_on_sqlite.call("POST", "/api/recover/lost", json=body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, wrong)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"reset_token", "password"}),
        ({"reset_token": "x"}, {"password"}),
        ({"reset_token": "x" * 1025, "password": NEW}, {"reset_token"}),
        ({"reset_token": "x", "password": NEW, "a": 1}, {"a"}),
        ({"reset_token": 5, "password": None}, {"reset_token", "password"}),
        ({"reset_token": "x", "password": "weak"}, {"password"}),
    ],
)
async def test_a_malformed_reset_is_told_field_by_field(
    auth_on_sqlite: Auth, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = await auth_on_sqlite.post("/api/recover/reset", **body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, wrong)


async def test_the_new_password_opens_and_the_old_one_does_not(auth: Auth) -> None:
    answer = await reset(auth, await lost_token(auth))

    assert (answer.status_code, set(answer.json())) == (200, {"msg"})
    assert not await logs_in(auth, PASSWORD)
    assert await logs_in(auth, NEW)


async def test_a_reset_ends_all_logins_and_the_next_one_is_good_at_once(auth: Auth) -> None:
    token = await lost_token(auth)
    old = await auth.log_in("alice")

    await reset(auth, token)
    new = await auth.log_in("alice", NEW)

    assert (await auth.post("/api/token/user/validate", old["access_token"])).status_code == 401
    assert (await auth.refresh(old["refresh_token"])).status_code == 401
    assert (await auth.post("/api/token/user/validate", new["access_token"])).status_code == 200
    assert (await auth.refresh(new["refresh_token"])).status_code == 200
    assert {row.revoked_for for row in await auth.rows(refresh_families)} == {"password_reset", None}


async def test_a_token_works_once(auth: Auth) -> None:
    token = await lost_token(auth)
    await reset(auth, token)

    assert refused(await reset(auth, token, "Third-Pass-3?"))
    assert await logs_in(auth, NEW)


async def test_of_several_who_use_a_token_at_once_one_succeeds(auth: Auth) -> None:
    token = await lost_token(auth)

    answers = await asyncio.gather(*(reset(auth, token, f"Another-Pass-{number}?") for number in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_a_token_ends_after_an_hour(auth: Auth) -> None:
    token = await lost_token(auth)
    auth.clock.move(minutes=60, seconds=1)

    assert refused(await reset(auth, token))
    assert await logs_in(auth, PASSWORD)


async def test_an_installation_may_have_other_times(database_url: str) -> None:
    async with running(database_url, recovery_token_seconds=120, mail_interval_seconds=60) as auth:
        token = await lost_token(auth)
        auth.clock.move(seconds=90)
        await lose(auth)
        assert len(await auth.mails(RECOVERY)) == 2
        assert refused(await reset(auth, token))
        newer = await auth.mailed_token(RECOVERY)
        auth.clock.move(seconds=121)
        assert refused(await reset(auth, newer))


async def test_a_newer_token_ends_the_older_one(database_url: str) -> None:
    async with running(database_url, mail_interval_seconds=0) as auth:
        older = await lost_token(auth)
        await lose(auth)
        newer = await auth.mailed_token(RECOVERY)

        assert refused(await reset(auth, older))
        assert (await reset(auth, newer)).status_code == 200


async def test_a_token_for_the_second_factor_sets_no_password(auth: Auth) -> None:
    await auth.add_user("alice")
    await auth.post("/api/recover/2fa/lost", username="alice", password=PASSWORD)
    token = await auth.mailed_token(SECOND_FACTOR)

    assert refused(await reset(auth, token))
    assert await logs_in(auth, PASSWORD)
    assert (await auth.post("/api/recover/2fa/reset", reset_token=token)).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_token_of_a_login_sets_no_password(auth: Auth, kind: str) -> None:
    await auth.add_user("alice")

    assert refused(await reset(auth, (await auth.log_in("alice"))[kind]))
    assert await logs_in(auth, PASSWORD)


@pytest.mark.parametrize("token", ["nonsense", "password_", "a.b.c", "\u00fc" * 40])
async def test_what_was_never_mailed_sets_no_password(auth: Auth, token: str) -> None:
    assert refused(await reset(auth, token))


async def test_a_mailed_token_opens_nothing_else(auth: Auth) -> None:
    token = await lost_token(auth)

    for path in ("/api/token/user/validate", "/api/token/refresh"):
        assert (await auth.post(path, token)).status_code == 422
    assert (await auth.get("/api/user", token)).status_code == 422


async def test_a_token_dies_with_the_address_that_it_was_mailed_to(auth: Auth) -> None:
    token = await lost_token(auth)
    await auth.patch("/api/user/2", await auth.token_of(), email="alice@new.test")

    assert refused(await reset(auth, token))


async def test_a_token_dies_with_its_user(auth: Auth) -> None:
    token = await lost_token(auth)
    await auth.delete("/api/user/2", await auth.token_of())

    assert refused(await reset(auth, token))
    assert await auth.rows(recovery_tokens) == []


async def test_a_token_dies_when_the_password_is_changed_otherwise(auth: Auth) -> None:
    token = await lost_token(auth)
    changed = await auth.patch(
        "/api/password/change", await auth.token_of("alice"), current_password=PASSWORD, new_password=NEW
    )

    assert changed.status_code == 200
    assert refused(await reset(auth, token, "Third-Pass-3?"))


async def test_a_reset_ends_whatever_else_was_mailed(auth: Auth) -> None:
    token = await lost_token(auth)
    await auth.post("/api/recover/2fa/lost", username="alice", password=PASSWORD)
    other = await auth.mailed_token(SECOND_FACTOR)

    await reset(auth, token)

    assert refused(await auth.post("/api/recover/2fa/reset", reset_token=other))


async def test_a_weak_password_uses_no_token_up(auth: Auth) -> None:
    token = await lost_token(auth)

    weak = await reset(auth, token, "weak")

    assert (weak.status_code, set(weak.json()["errors"])) == (400, {"password"})
    assert (await reset(auth, token)).status_code == 200


async def test_a_reset_opens_a_locked_account(auth: Auth) -> None:
    token = await lost_token(auth)
    for _ in range(5):
        await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")
    assert not await logs_in(auth, PASSWORD)

    await reset(auth, token)

    assert await logs_in(auth, NEW)
    assert next(row for row in await auth.rows(users) if row.username == "alice").failed_logins == 0


async def test_a_reset_does_not_get_around_the_second_factor(database_url: str) -> None:
    async with running(database_url, two_factor=True) as auth:
        await auth.add_user("alice")
        login = {"username": "alice", "password": PASSWORD}
        secret = (await auth.post("/api/token/user", **login)).json()["otp_secret"]
        code = pyotp.TOTP(secret).at(auth.clock.now())
        assert "access_token" in (await auth.post("/api/token/user", **login, mfa_code=code)).json()
        for _ in range(3):
            await auth.post("/api/token/user", **login, mfa_code="000000")
        await lose(auth)
        await reset(auth, await auth.mailed_token(RECOVERY))
        login["password"] = NEW
        auth.clock.move(minutes=5)

        half = await auth.post("/api/token/user", **login)
        alice = next(row for row in await auth.rows(users) if row.username == "alice")
        whole = await auth.post("/api/token/user", **login, mfa_code=pyotp.TOTP(secret).at(auth.clock.now()))

        assert set(half.json()) == {"msg"}
        assert alice.otp_failures == 3
        assert "access_token" in whole.json()


async def test_the_token_is_readable_nowhere_but_in_the_mail(auth: Auth) -> None:
    await auth.add_user("alice")
    await lose(auth)
    waiting = [await auth.rows(table) for table in (recovery_tokens, mail_queue, audit_log)]
    token = await auth.mailed_token(RECOVERY)
    sent = [await auth.rows(table) for table in (recovery_tokens, mail_queue, audit_log)]

    assert token not in str(waiting)
    assert RECOVERY not in str(waiting)
    assert token not in str(sent)


async def test_a_reset_is_told_to_the_user(auth: Auth) -> None:
    await reset(auth, await lost_token(auth))

    (notice,) = await auth.mails(NOTICE)
    assert notice.recipient == "alice@users.test"
    assert NEW not in notice.text


async def test_recovery_leaves_traces(auth: Auth) -> None:
    token = await lost_token(auth)
    await lose(auth, email="nobody@users.test")
    await reset(auth, token)
    await reset(auth, token)

    asked = await auth.audit("user.password-recovery-asked")
    done = await auth.audit("user.password-reset")

    assert [(trace.actor_id, trace.actor_name, trace.outcome, trace.reason) for trace in asked] == [
        (2, "alice", "done", None),
        (None, "nobody@users.test", "refused", "unknown_user"),
    ]
    assert [(trace.actor_id, trace.outcome, trace.reason) for trace in done] == [
        (2, "done", None),
        (None, "refused", "invalid_reset_token"),
    ]
    assert all(trace.address == "127.0.0.1" for trace in [*asked, *done])


async def test_a_bad_token_costs_no_hash(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    async def noted(password: str) -> str:
        hashed.append(password)
        return ""

    monkeypatch.setattr(auth.parts.hasher, "hash", noted)

    assert refused(await reset(auth, "nonsense"))
    assert hashed == []


async def test_old_tokens_are_cleared_away_and_open_ones_are_not(auth: Auth) -> None:
    token = await lost_token(auth)
    await auth.clean()
    kept = len(await auth.rows(recovery_tokens))
    auth.clock.move(days=8)
    await auth.clean()

    assert kept == 1
    assert await auth.rows(recovery_tokens) == []
    assert refused(await reset(auth, token))
