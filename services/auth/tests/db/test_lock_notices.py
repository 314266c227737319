"""Users hear of attempts at their account while it is locked."""

from datetime import timedelta

import pyotp

from services.auth.tests.kit import PASSWORD, Auth, running

SUBJECT = "Your account is locked for a while"
WRONG = "Wrong-Pass-1!"


async def attempt(auth: Auth, times: int, *, password: str = WRONG, mfa_code: str | None = None) -> None:
    code = {} if mfa_code is None else {"mfa_code": mfa_code}
    for _ in range(times):
        await auth.post("/api/token/user", username="alice", password=password, **code)


async def test_the_first_attempt_at_a_locked_account_is_told_to_its_user(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 5)
    before = await auth.mails()

    await attempt(auth, 3)

    (mail,) = await auth.mails()
    until = auth.clock.now() + timedelta(minutes=15)
    assert before == []
    assert (mail.recipient, mail.subject) == ("alice@users.test", f"sextant: {SUBJECT}")
    assert "127.0.0.1" in mail.text
    assert f"{until:%Y-%m-%d}" in mail.text


async def test_even_the_right_password_is_such_an_attempt(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 5)

    await attempt(auth, 1, password=PASSWORD)

    assert len(await auth.mails(SUBJECT)) == 1


async def test_a_failure_after_the_lock_has_ended_is_told_to_nobody(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 5)
    auth.clock.move(minutes=16)

    await attempt(auth, 1)

    assert await auth.mails() == []


async def test_the_next_lock_is_told_once_the_last_mail_is_an_hour_old(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 6)
    auth.clock.move(minutes=16)
    await attempt(auth, 6)
    early = len(await auth.mails(SUBJECT))
    auth.clock.move(minutes=50)
    await attempt(auth, 6)

    assert early == 1
    assert len(await auth.mails(SUBJECT)) == 2


async def test_the_user_shows_when_the_last_mail_was(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 6)

    shown = (await auth.get("/api/user/2", await auth.token_of())).json()

    expected = (auth.clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert shown["last_email_failed_login_sent"] > expected


async def test_an_account_that_is_locked_for_wrong_codes_is_told_of_as_well(database_url: str) -> None:
    async with running(database_url, two_factor=True) as auth:
        await auth.add_user("alice")
        answer = await auth.post("/api/token/user", username="alice", password=PASSWORD)
        code = pyotp.TOTP(answer.json()["otp_secret"]).at(auth.clock.now())
        await attempt(auth, 1, password=PASSWORD, mfa_code=code)
        await attempt(auth, 5, password=PASSWORD, mfa_code="000000")
        before = await auth.mails()
        await attempt(auth, 2, password=PASSWORD, mfa_code="000000")

        assert before == []
        assert len(await auth.mails(SUBJECT)) == 1


async def test_a_locked_account_answers_a_right_password_at_the_price_of_a_wrong_one(auth: Auth) -> None:
    await auth.add_user("alice")
    await attempt(auth, 6)
    with auth.counting() as wrong:
        await attempt(auth, 1)
    with auth.counting() as right:
        await attempt(auth, 1, password=PASSWORD)
    with auth.counting() as unknown:
        await auth.post("/api/token/user", username="nobody", password=PASSWORD)

    assert right.texts == wrong.texts == unknown.texts


async def test_wrong_current_passwords_at_a_locked_account_are_told_of_too(auth: Auth) -> None:
    await auth.add_user("alice")
    token = await auth.token_of("alice")
    for _ in range(6):
        await auth.patch("/api/password/change", token, current_password=WRONG, new_password="Another-2?x")

    assert len(await auth.mails(SUBJECT)) == 1
