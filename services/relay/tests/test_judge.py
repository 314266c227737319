"""Who a token speaks for."""

import time
from typing import Any

import pytest

from sextant_relay.judge import Judge, TurnedAwayError, token_in
from sextant_shared.contract.claims import LEEWAY_SECONDS, TokenUse
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.security import Principal, PrincipalCache, TokenVerifier
from sextant_shared.testing.fakes import FakeAuth

GRACE = 1000


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
def judge(auth: FakeAuth) -> Judge:
    return Judge(TokenVerifier(auth), PrincipalCache(auth), node_grace_seconds=GRACE)


@pytest.fixture
def node(auth: FakeAuth) -> Principal:
    return auth.add_node(7, organization_id=2, collaboration_id=3)


@pytest.fixture
def user(auth: FakeAuth) -> Principal:
    return auth.add_user(organization_id=2, role="Researcher")


async def principal_behind(judge: Judge, token: str | None) -> Principal:
    return await judge.principal_of(await judge.claims_in(token))


async def notice_for(judge: Judge, token: str | None) -> str:
    with pytest.raises(TurnedAwayError) as caught:
        await principal_behind(judge, token)
    return caught.value.notice


async def test_a_good_token_speaks_for_its_principal(
    judge: Judge, auth: FakeAuth, node: Principal, user: Principal
) -> None:
    assert [await principal_behind(judge, auth.token(each)) for each in (node, user)] == [node, user]


async def test_a_nodes_token_is_good_for_a_while_after_it_expired(
    judge: Judge, auth: FakeAuth, node: Principal
) -> None:
    assert await principal_behind(judge, auth.token(node, lifetime_seconds=-GRACE)) == node


async def test_a_node_is_told_to_log_in_when_its_token_expired_too_long_ago(
    judge: Judge, auth: FakeAuth, node: Principal
) -> None:
    token = auth.token(node, lifetime_seconds=-GRACE - LEEWAY_SECONDS - 5)
    assert await notice_for(judge, token) == "invalid_token"


async def test_the_grace_ends_while_the_process_runs(auth: FakeAuth, node: Principal) -> None:
    now = [time.time()]
    judge = Judge(TokenVerifier(auth), PrincipalCache(auth), node_grace_seconds=GRACE, unix_time=lambda: now[0])
    token = auth.token(node, lifetime_seconds=0)
    assert await principal_behind(judge, token) == node
    now[0] += GRACE + LEEWAY_SECONDS + 5
    assert await notice_for(judge, token) == "invalid_token"


async def test_a_user_is_told_that_its_token_expired(judge: Judge, auth: FakeAuth, user: Principal) -> None:
    token = auth.token(user, lifetime_seconds=-LEEWAY_SECONDS - 5)
    assert await notice_for(judge, token) == "expired_token"


@pytest.mark.parametrize(
    "token", [None, "", "nonsense", "a.b.c", "x" * 20_000], ids=["none", "empty", "word", "dots", "long"]
)
async def test_what_is_no_token_is_invalid(judge: Judge, token: str | None) -> None:
    assert await notice_for(judge, token) == "invalid_token"


async def test_a_forged_token_is_invalid(judge: Judge, auth: FakeAuth, node: Principal) -> None:
    head, _, signature = auth.token(node).rpartition(".")
    forged = f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    assert await notice_for(judge, forged) == "invalid_token"


async def test_a_token_of_another_issuer_is_invalid(judge: Judge) -> None:
    stranger = FakeAuth()
    token = stranger.token(stranger.add_node(7, organization_id=2, collaboration_id=3))
    assert await notice_for(judge, token) == "invalid_token"


async def test_a_token_for_another_use_is_invalid(judge: Judge, auth: FakeAuth, node: Principal) -> None:
    assert await notice_for(judge, auth.token(node, use=TokenUse.REFRESH)) == "invalid_token"


async def test_containers_have_no_business_here(judge: Judge, auth: FakeAuth, node: Principal) -> None:
    assert await notice_for(judge, auth.container_token(node, task_id=1, image="x")) == "invalid_token"


async def test_services_have_no_business_here(judge: Judge, auth: FakeAuth) -> None:
    assert await notice_for(judge, auth.service_token("api")) == "invalid_token"


async def test_a_principal_that_is_gone_is_invalid(judge: Judge, auth: FakeAuth, node: Principal) -> None:
    token = auth.token(node)
    auth.remove(node)
    assert await notice_for(judge, token) == "invalid_token"


@pytest.mark.parametrize("changes", [{"active": False}, {"tokens_valid_from": 2**40}], ids=["inactive", "revoked"])
async def test_a_revoked_token_is_invalid(
    judge: Judge, auth: FakeAuth, node: Principal, changes: dict[str, Any]
) -> None:
    auth.put(node.model_copy(update=changes))
    assert await notice_for(judge, auth.token(node)) == "invalid_token"


async def test_an_expired_token_of_a_node_that_is_gone_is_invalid(
    judge: Judge, auth: FakeAuth, node: Principal
) -> None:
    auth.remove(node)
    assert await notice_for(judge, auth.token(node, lifetime_seconds=-GRACE)) == "invalid_token"


async def test_nothing_is_said_against_a_token_while_auth_is_away(
    judge: Judge, auth: FakeAuth, node: Principal
) -> None:
    auth.down = True
    with pytest.raises(UnavailableError):
        await principal_behind(judge, auth.token(node))


@pytest.mark.parametrize(
    ("header", "payload", "expected"),
    [
        ("Bearer abc", None, "abc"),
        ("bearer  abc ", None, "abc"),
        ("Bearer abc", {"token": "other"}, "abc"),
        (None, {"token": "abc"}, "abc"),
        (None, {"token": "Bearer abc"}, "abc"),
        ("", {"token": "abc"}, "abc"),
        ("Basic abc", {"token": "abc"}, None),
        ("Bearer ", None, None),
        (None, None, None),
        (None, {"token": 5}, None),
        (None, {"token": ""}, None),
        (None, ["abc"], None),
        (None, "abc", None),
    ],
)
def test_the_token_is_in_the_header_or_else_in_the_payload(
    header: str | None, payload: object, expected: str | None
) -> None:
    assert token_in(header, payload) == expected
