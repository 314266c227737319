"""Logins go on: refresh tokens rotate, and a copied one ends the login."""

import asyncio

import pytest

from services.auth.tests.kit import Auth, claims_of, running
from sextant_auth.models import refresh_families


async def test_a_refresh_token_gives_a_new_pair(auth: Auth) -> None:
    pair = await auth.log_in("root")

    answer = await auth.refresh(pair["refresh_token"])

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "refresh_token", "refresh_url", "user_url"}
    assert body["access_token"] != pair["access_token"]
    assert body["refresh_token"] != pair["refresh_token"]
    assert "jwt-token" not in answer.headers
    assert (await auth.post("/api/token/user/validate", body["access_token"])).status_code == 200


async def test_a_node_refreshes_like_a_user_and_is_told_where_it_is(auth: Auth) -> None:
    pair = await auth.log_in_node(await auth.add_node(7))

    body = (await auth.refresh(pair["refresh_token"])).json()

    assert set(body) == {"access_token", "refresh_token", "refresh_url", "node_url"}
    assert body["node_url"] == "/api/node/7"


async def test_threads_that_refresh_with_one_token_at_once_all_go_on(auth: Auth) -> None:
    pair = await auth.log_in("root")

    answers = await asyncio.gather(*(auth.refresh(pair["refresh_token"]) for _ in range(5)))

    assert [answer.status_code for answer in answers] == [200] * 5
    assert [row.generation for row in await auth.rows(refresh_families)] == [1]
    following = await auth.refresh(answers[0].json()["refresh_token"])
    assert following.status_code == 200


async def test_a_lost_answer_is_given_again_hours_later(auth: Auth) -> None:
    pair = await auth.log_in("root")
    await auth.refresh(pair["refresh_token"])
    auth.clock.move(hours=5)

    answer = await auth.refresh(pair["refresh_token"])

    assert answer.status_code == 200
    assert (await auth.refresh(answer.json()["refresh_token"])).status_code == 200


async def test_a_copied_token_ends_the_login_for_both(auth: Auth) -> None:
    first = await auth.log_in("root")
    second = (await auth.refresh(first["refresh_token"])).json()
    auth.clock.move(hours=1)
    third = (await auth.refresh(second["refresh_token"])).json()
    auth.clock.move(hours=1)

    copied = await auth.refresh(first["refresh_token"])

    assert (copied.status_code, copied.json()["code"]) == (401, "invalid_token")
    assert (await auth.refresh(third["refresh_token"])).status_code == 401
    assert (await auth.log_in("root"))["refresh_token"]


async def test_what_a_copied_token_did_stays_on_record_though_it_was_refused(auth: Auth) -> None:
    first = await auth.log_in("root")
    second = (await auth.refresh(first["refresh_token"])).json()
    auth.clock.move(hours=1)
    await auth.refresh(second["refresh_token"])
    auth.clock.move(hours=1)

    await auth.refresh(first["refresh_token"])

    (family,) = await auth.rows(refresh_families)
    assert (family.revoked_for, family.revoked_at is None) == ("reused", False)
    assert [(trace.actor_type, trace.actor_id, trace.outcome) for trace in await auth.audit("refresh.reused")] == [
        ("user", 1, "refused")
    ]


async def test_an_answer_that_was_not_lost_after_all_ends_the_login(auth: Auth) -> None:
    first = await auth.log_in("root")
    second = (await auth.refresh(first["refresh_token"])).json()
    auth.clock.move(hours=1)
    instead = (await auth.refresh(first["refresh_token"])).json()

    assert (await auth.refresh(second["refresh_token"])).status_code == 401
    assert (await auth.refresh(instead["refresh_token"])).status_code == 401


async def test_one_login_that_is_ended_leaves_the_others_alone(auth: Auth) -> None:
    other = await auth.log_in("root")
    first = await auth.log_in("root")
    second = (await auth.refresh(first["refresh_token"])).json()
    auth.clock.move(hours=1)
    await auth.refresh(second["refresh_token"])
    auth.clock.move(hours=1)
    await auth.refresh(first["refresh_token"])

    assert (await auth.refresh(other["refresh_token"])).status_code == 200


async def test_an_access_token_refreshes_nothing(auth: Auth) -> None:
    pair = await auth.log_in("root")

    assert (await auth.refresh(pair["access_token"])).status_code == 422


async def test_a_refresh_token_opens_nothing(auth: Auth) -> None:
    pair = await auth.log_in("root")

    assert (await auth.get("/api/user/1", pair["refresh_token"])).status_code == 422


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("a.b.c", 422), ("nonsense", 422)])
async def test_no_token_and_nonsense_refresh_nothing(auth_on_sqlite: Auth, token: str | None, status: int) -> None:
    assert (await auth_on_sqlite.post("/api/token/refresh", token)).status_code == status


async def test_a_service_token_refreshes_nothing(auth: Auth) -> None:
    assert (await auth.refresh(await auth.service_token())).status_code == 422


async def test_a_login_runs_out_when_nobody_refreshes_it(database_url: str) -> None:
    async with running(database_url, refresh_token_seconds=3600) as auth:
        pair = await auth.log_in("root")
        auth.clock.move(minutes=61)

        assert (await auth.refresh(pair["refresh_token"])).status_code == 401


async def test_the_tokens_of_a_deleted_user_refresh_nothing(auth: Auth) -> None:
    await auth.add_user("alice", rules=["user:OWN:DELETE"])
    pair = await auth.log_in("alice")
    await auth.delete(pair["user_url"], pair["access_token"])

    answer = await auth.refresh(pair["refresh_token"])

    assert answer.status_code == 401


async def test_a_new_token_shows_the_roles_of_now(auth: Auth) -> None:
    user_id = await auth.add_user("alice", roles=["Viewer"])
    pair = await auth.log_in("alice")
    root = await auth.token_of("root")
    await auth.patch(f"/api/user/{user_id}", root, roles=[5])

    answer = await auth.refresh(pair["refresh_token"])

    assert claims_of(answer.json()["access_token"])["roles"] == ["Researcher"]


async def test_a_refresh_takes_few_statements(auth: Auth) -> None:
    pair = await auth.log_in("root")
    with auth.counting() as statements:
        await auth.refresh(pair["refresh_token"])

    assert len(statements) <= 3


async def test_families_that_ran_out_are_cleared_away(auth: Auth) -> None:
    await auth.log_in("root")
    auth.clock.move(hours=47)
    await auth.log_in("root")
    auth.clock.move(hours=2)

    await auth.clean()

    assert len(await auth.rows(refresh_families)) == 1
