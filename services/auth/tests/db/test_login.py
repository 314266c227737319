"""Users log in with name and password."""

from datetime import timedelta

import bcrypt
import pytest

from services.auth.tests.kit import PASSWORD, ROOT_PASSWORD, Auth, running
from sextant_auth.models import users
from sextant_auth.users.legacy_passwords import LegacyPasswords
from sextant_shared.testing.fakes import bearer


async def test_root_logs_in_with_the_password_of_the_bootstrap(auth: Auth) -> None:
    answer = await auth.post("/api/token/user", username="root", password=ROOT_PASSWORD)

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "refresh_token", "refresh_url", "user_url"}
    assert (body["refresh_url"], body["user_url"]) == ("/api/token/refresh", "/api/user/1")
    assert answer.headers["jwt-token"] == body["access_token"]


async def test_the_access_token_opens_what_the_user_may_open(auth: Auth) -> None:
    token = await auth.token_of("root")

    answer = await auth.post("/api/token/user/validate", token)

    assert answer.status_code == 200
    assert {key: value for key, value in answer.json().items() if key != "msg"} == {
        "user_id": 1,
        "username": "root",
        "email": "root@domain.ext",
        "organization_id": 1,
    }


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("nobody", ROOT_PASSWORD),
        ("root", "Wrong-Pass-1!"),
        ("ROOT", ROOT_PASSWORD),
        (" root ", ROOT_PASSWORD),
        ("root@domain.ext", ROOT_PASSWORD),
        ("root\n", ROOT_PASSWORD),
    ],
)
async def test_what_is_not_exactly_right_is_refused_in_one_and_the_same_way(
    auth: Auth, username: str, password: str
) -> None:
    answer = await auth.post("/api/token/user", username=username, password=password)

    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    assert answer.json()["msg"] == "These credentials do not give access"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"username", "password"}),
        ({"username": "root"}, {"password"}),
        ({"username": "", "password": "x"}, {"username"}),
        ({"username": "x" * 129, "password": "x"}, {"username"}),
        ({"username": 5, "password": None}, {"username", "password"}),
        ({"username": "root", "password": "x", "else": 1}, {"else"}),
        ({"username": "ro\0ot", "password": "x\0"}, {"username", "password"}),
        ([], {"_schema"}),
    ],
)
async def test_a_malformed_login_is_told_field_by_field(auth_on_sqlite: Auth, body: object, wrong: set[str]) -> None:
    answer = await auth_on_sqlite.call("POST", "/api/token/user", json=body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, wrong)


async def test_a_login_leaves_a_trace_whether_it_succeeds_or_not(auth: Auth) -> None:
    await auth.log_in("root")
    await auth.post("/api/token/user", username="root", password="Wrong-Pass-1!")
    await auth.post("/api/token/user", username="nobody", password="Wrong-Pass-1!")

    traces = await auth.audit("user.logged-in")
    assert [(trace.actor_id, trace.actor_name, trace.outcome, trace.reason) for trace in traces] == [
        (1, "root", "done", None),
        (1, "root", "refused", "wrong_password"),
        (None, "nobody", "refused", "unknown_user"),
    ]
    assert all(trace.address == "127.0.0.1" and trace.request_id for trace in traces)


async def test_the_address_comes_from_the_gateway_only_where_there_is_one(database_url: str) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    login = {"username": "nobody", "password": "x"}

    async with running(database_url) as direct:
        await direct.http.post("/api/token/user", json=login, headers=forwarded)
        assert [trace.address for trace in await direct.audit()] == ["127.0.0.1"]
    async with running(database_url, trust_forwarded=True) as behind_gateway:
        await behind_gateway.http.post("/api/token/user", json=login, headers=forwarded)
        assert [trace.address for trace in await behind_gateway.audit()][1:] == ["198.51.100.7"]


async def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(auth: Auth) -> None:
    await auth.add_user("alice")
    for _ in range(5):
        await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")

    locked = await auth.post("/api/token/user", username="alice", password=PASSWORD)
    auth.clock.move(minutes=14, seconds=30)
    still_locked = await auth.post("/api/token/user", username="alice", password=PASSWORD)
    auth.clock.move(seconds=31)
    open_again = await auth.post("/api/token/user", username="alice", password=PASSWORD)

    assert [answer.status_code for answer in (locked, still_locked, open_again)] == [401, 401, 200]
    assert locked.json()["msg"] == "These credentials do not give access"
    assert [trace.actor_name for trace in await auth.audit("user.locked")] == ["alice"]


async def test_four_wrong_passwords_lock_nothing_and_a_right_one_begins_anew(auth: Auth) -> None:
    await auth.add_user("alice")
    for _ in range(3):
        for _ in range(4):
            await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")
        await auth.log_in("alice")

    assert await auth.audit("user.locked") == []


async def test_guesses_at_a_locked_account_do_not_prolong_the_lock(auth: Auth) -> None:
    await auth.add_user("alice")
    for _ in range(5):
        await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")
    auth.clock.move(minutes=14)
    for _ in range(5):
        await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")
    auth.clock.move(minutes=1, seconds=1)

    assert (await auth.post("/api/token/user", username="alice", password=PASSWORD)).status_code == 200


async def test_the_counter_of_a_refused_login_survives_its_refusal(auth: Auth) -> None:
    await auth.add_user("alice")

    await auth.post("/api/token/user", username="alice", password="Wrong-Pass-1!")

    counted = {row.username: row.failed_logins for row in await auth.rows(users)}
    assert counted["alice"] == 1


async def test_an_unknown_name_costs_the_statements_of_a_known_one(auth: Auth) -> None:
    await auth.log_in("root")
    with auth.counting() as known:
        await auth.post("/api/token/user", username="root", password="Wrong-Pass-1!")
    with auth.counting() as unknown:
        await auth.post("/api/token/user", username="nobody", password="Wrong-Pass-1!")

    assert unknown.texts == known.texts


async def test_an_unknown_name_is_hashed_like_a_known_one(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bool] = []
    check = auth.parts.hasher.check

    async def noted(stored: str | None, password: str, **more: int | None) -> object:
        checked.append(stored is None)
        return await check(stored, password, **more)

    monkeypatch.setattr(auth.parts.hasher, "check", noted)
    await auth.post("/api/token/user", username="nobody", password="Wrong-Pass-1!")
    await auth.post("/api/token/user", username="root", password="Wrong-Pass-1!")

    assert checked == [True, False]


async def test_a_login_takes_few_statements_however_many_users_there_are(auth: Auth) -> None:
    await auth.log_in("root")
    with auth.counting() as before:
        await auth.log_in("root")
    for number in range(20):
        await auth.add_user(f"user-{number}", roles=["Viewer"])
    with auth.counting() as after:
        await auth.log_in("root")

    assert len(after) == len(before) <= 5


async def test_a_bcrypt_hash_of_old_is_accepted_and_replaced(auth: Auth) -> None:
    await auth.add_user("alice")
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await auth.set_user("alice", password_hash=old)

    await auth.log_in("alice")
    stored = {row.username: row.password_hash for row in await auth.rows(users)}["alice"]
    again = await auth.post("/api/token/user", username="alice", password=PASSWORD)

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert again.status_code == 200


async def test_a_stranger_costs_an_old_hash_too_while_there_is_one(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    await auth.add_user("alice")
    check, rounds = auth.parts.hasher.check, []

    async def noted(stored: str | None, password: str, *, bcrypt_rounds: int | None = None) -> object:
        rounds.append(bcrypt_rounds)
        return await check(stored, password, bcrypt_rounds=bcrypt_rounds)

    monkeypatch.setattr(auth.parts.hasher, "check", noted)
    await auth.set_user("alice", password_hash=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode())

    await auth.post("/api/token/user", username="nobody", password="Wrong-Pass-1!")
    await auth.log_in("root")

    assert rounds == [5, 5]


async def test_whether_old_hashes_are_left_is_asked_now_and_then(auth: Auth) -> None:
    now = 0.0
    legacy = LegacyPasswords(auth.db, monotonic=lambda: now)
    assert await legacy.rounds() is None

    await auth.add_user("alice")
    await auth.set_user("alice", password_hash="$2b$12$" + "x" * 53)
    with auth.counting() as believed:
        assert await legacy.rounds() is None
    now = 601.0
    with auth.counting() as asked:
        assert await legacy.rounds() == 12

    assert (len(believed), len(asked)) == (0, 1)


async def test_a_password_that_changed_while_it_was_checked_is_the_old_one(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.add_user("alice")
    check = auth.parts.hasher.check

    async def slow(stored: str | None, password: str, **more: int | None) -> object:
        checked = await check(stored, password, **more)
        await auth.set_user("alice", password_hash="something else")
        return checked

    monkeypatch.setattr(auth.parts.hasher, "check", slow)
    answer = await auth.post("/api/token/user", username="alice", password=PASSWORD)

    assert answer.status_code == 401


async def test_a_login_is_seen_as_the_last_time_the_user_was_there(auth: Auth) -> None:
    token = await auth.token_of("root")

    shown = (await auth.get("/api/user/1", token)).json()["last_seen"]

    expected = (auth.clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert shown > expected
    assert len(shown) == len("2026-01-01T00:00:00.000000")


async def test_a_login_needs_json(auth_on_sqlite: Auth) -> None:
    form = await auth_on_sqlite.http.post("/api/token/user", data={"username": "root", "password": ROOT_PASSWORD})
    broken = await auth_on_sqlite.http.post(
        "/api/token/user", content=b"{", headers={"Content-Type": "application/json", **bearer("x")}
    )

    assert (form.status_code, broken.status_code) == (415, 400)
