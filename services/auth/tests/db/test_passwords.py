"""Users change their passwords, and everything from before ends."""

from typing import Any

import pytest

from services.auth.tests.kit import PASSWORD, Auth, running

NEW = "Another-Pass-2?"


async def change(auth: Auth, token: str | None, **body: Any) -> int:
    answer = await auth.patch("/api/password/change", token, **body)
    assert answer.json()["msg"]
    return answer.status_code


async def test_the_new_password_opens_and_the_old_one_does_not(auth: Auth) -> None:
    await auth.add_user("alice")

    status = await change(auth, await auth.token_of("alice"), current_password=PASSWORD, new_password=NEW)

    assert status == 200
    assert (await auth.post("/api/token/user", username="alice", password=PASSWORD)).status_code == 401
    assert (await auth.post("/api/token/user", username="alice", password=NEW)).status_code == 200


async def test_every_token_from_before_ends_and_one_from_after_is_good_at_once(auth: Auth) -> None:
    await auth.add_user("alice")
    logins = [await auth.log_in("alice") for _ in range(2)]

    await change(auth, logins[0]["access_token"], current_password=PASSWORD, new_password=NEW)
    new = await auth.log_in("alice", NEW)

    for login in logins:
        assert (await auth.post("/api/token/user/validate", login["access_token"])).status_code == 401
        assert (await auth.refresh(login["refresh_token"])).status_code == 401
    assert (await auth.post("/api/token/user/validate", new["access_token"])).status_code == 200
    assert (await auth.refresh(new["refresh_token"])).status_code == 200


async def test_two_changes_within_a_second_end_what_was_issued_in_between(auth: Auth) -> None:
    await auth.add_user("alice")
    await change(auth, await auth.token_of("alice"), current_password=PASSWORD, new_password=NEW)
    between = await auth.log_in("alice", NEW)
    await change(auth, between["access_token"], current_password=NEW, new_password=PASSWORD)

    assert (await auth.post("/api/token/user/validate", between["access_token"])).status_code == 401
    assert (await auth.refresh(between["refresh_token"])).status_code == 401
    assert (await auth.log_in("alice"))["access_token"]


async def test_a_wrong_current_password_counts_like_a_failed_login(auth: Auth) -> None:
    await auth.add_user("alice")
    token = await auth.token_of("alice")

    wrong = [await change(auth, token, current_password="Wrong-Pass-1!", new_password=NEW) for _ in range(5)]
    right = await change(auth, token, current_password=PASSWORD, new_password=NEW)
    login = await auth.post("/api/token/user", username="alice", password=PASSWORD)

    assert ([*wrong, right], login.status_code) == ([401] * 6, 401)
    reasons = [trace.reason for trace in await auth.audit("user.password-changed")]
    assert reasons == ["wrong_password"] * 5 + ["locked"]
    assert len(await auth.audit("user.locked")) == 1


async def test_a_change_is_recorded(auth: Auth) -> None:
    await auth.add_user("alice")
    await change(auth, await auth.token_of("alice"), current_password=PASSWORD, new_password=NEW)

    (trace,) = await auth.audit("user.password-changed")

    assert (trace.actor_name, trace.outcome, trace.reason) == ("alice", "done", None)
    assert NEW not in str(trace)


async def test_a_change_is_told_to_the_user(auth: Auth) -> None:
    await auth.add_user("alice")
    await change(auth, await auth.token_of("alice"), current_password=PASSWORD, new_password=NEW)

    (mail,) = await auth.mails()

    assert (mail.recipient, mail.subject) == ("alice@users.test", "sextant: Your password was changed")
    assert NEW not in mail.text


async def test_all_of_a_long_password_counts(auth: Auth) -> None:
    await auth.add_user("alice")
    long = "aB1!" + "x" * 100

    assert await change(auth, await auth.token_of("alice"), current_password=PASSWORD, new_password=long) == 200
    assert (await auth.post("/api/token/user", username="alice", password=long[:72])).status_code == 401
    assert (await auth.post("/api/token/user", username="alice", password=long)).status_code == 200


async def test_an_installation_has_its_own_policy_for_new_passwords(database_url: str) -> None:
    async with running(database_url, password_min_length=15, password_composition=False) as auth:
        await auth.add_user("alice")
        token = await auth.token_of("alice")

        short = await auth.patch("/api/password/change", token, current_password=PASSWORD, new_password=NEW[:14])
        long = await auth.patch(
            "/api/password/change", token, current_password=PASSWORD, new_password="correct horse battery"
        )

        assert (short.status_code, set(short.json()["errors"])) == (400, {"new_password"})
        assert long.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"new_password": NEW},
        {"current_password": PASSWORD},
        {"current_password": "", "new_password": NEW},
        {"current_password": PASSWORD, "new_password": "short1!"},
        {"current_password": PASSWORD, "new_password": PASSWORD},
        {"current_password": PASSWORD, "new_password": NEW, "else": 1},
        {"current_password": 5, "new_password": NEW},
    ],
)
async def test_what_does_not_fit_is_refused(auth_on_sqlite: Auth, body: dict[str, Any]) -> None:
    await auth_on_sqlite.add_user("alice")

    assert await change(auth_on_sqlite, await auth_on_sqlite.token_of("alice"), **body) == 400
    assert (await auth_on_sqlite.log_in("alice"))["access_token"]


async def test_without_a_token_nothing_is_changed(auth_on_sqlite: Auth) -> None:
    assert await change(auth_on_sqlite, None, current_password=PASSWORD, new_password=NEW) == 401
