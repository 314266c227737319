"""What a process knows of principals, and when it asks again."""

import asyncio
from typing import Any

import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.claims import Claims, ClientType, ContainerSubject, TokenUse
from sextant_shared.contract.errors import InvalidTokenError, UnavailableError
from sextant_shared.contract.events import PrincipalChanged, PrincipalsChanged
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.ids import new_id
from sextant_shared.security import Principal, PrincipalCache
from sextant_shared.security.principal_cache import TIME_TO_LIVE_SECONDS


def envelope(content: Content) -> Envelope:
    return content.enclosed(message_id=new_id(), source="auth", time=SystemClock().now())


def user(version: int = 0, **changes: Any) -> Principal:
    return Principal(client_type=ClientType.USER, id=7, organization_id=1, version=version, **changes)


def token(client_type: ClientType = ClientType.USER, sub: Any = 7, **changes: Any) -> Claims:
    claims = {"use": TokenUse.ACCESS, "client_type": client_type, "sub": sub, "jti": "j", "iat": 1000, "exp": 2000}
    return Claims.model_validate(claims | changes)


class Auth:
    """A `PrincipalSource` that answers when it is let, with what it had when it was asked."""

    def __init__(self) -> None:
        self.principals: dict[tuple[ClientType, int], Principal] = {}
        self.asked: list[tuple[ClientType, int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.away = False

    def put(self, principal: Principal) -> None:
        self.principals[(principal.client_type, principal.id)] = principal

    async def fetch(self, client_type: ClientType, principal_id: int) -> Principal | None:
        self.asked.append((client_type, principal_id))
        answer = self.principals.get((client_type, principal_id))
        await self.may_answer.wait()
        if self.away:
            raise UnavailableError("auth is away")
        return answer

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                await asyncio.sleep(0)


class Monotonic:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def auth() -> Auth:
    auth = Auth()
    auth.put(user(version=1, name="before"))
    return auth


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def cache(auth: Auth, monotonic: Monotonic) -> PrincipalCache:
    return PrincipalCache(auth, monotonic=monotonic)


async def test_a_principal_is_asked_for_once(auth: Auth, cache: PrincipalCache) -> None:
    for _ in range(3):
        assert await cache.principal_of(token()) == user(version=1, name="before")

    assert len(auth.asked) == 1


async def test_many_who_ask_at_once_share_one_question(auth: Auth, cache: PrincipalCache) -> None:
    auth.may_answer.clear()
    waiting = [asyncio.create_task(cache.principal_of(token())) for _ in range(20)]
    await auth.until_asked(1)

    auth.may_answer.set()
    found = await asyncio.gather(*waiting)

    assert (len(auth.asked), {principal.id for principal in found}) == (1, {7})


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(auth: Auth, cache: PrincipalCache) -> None:
    auth.may_answer.clear()
    first, second = (asyncio.create_task(cache.principal_of(token())) for _ in range(2))
    await auth.until_asked(1)

    first.cancel()
    auth.may_answer.set()

    assert (await second).id == 7


async def test_after_the_time_to_live_it_is_asked_for_again(
    auth: Auth, cache: PrincipalCache, monotonic: Monotonic
) -> None:
    await cache.principal_of(token())
    auth.put(user(version=2, name="after"))

    monotonic.now += TIME_TO_LIVE_SECONDS - 1
    before = await cache.principal_of(token())
    monotonic.now += 1
    after = await cache.principal_of(token())

    assert (before.name, after.name) == ("before", "after")


async def test_a_change_is_known_as_soon_as_it_is_heard(auth: Auth, cache: PrincipalCache) -> None:
    await cache.principal_of(token())
    auth.put(user(version=2, name="after"))

    await cache.on_event(envelope(PrincipalChanged(client_type=ClientType.USER, principal_id=7, principal_version=2)))

    assert (await cache.principal_of(token())).name == "after"


async def test_a_change_of_a_role_is_known_for_everybody(auth: Auth, cache: PrincipalCache) -> None:
    await cache.principal_of(token())
    auth.put(user(version=2, name="after"))

    await cache.on_event(envelope(PrincipalsChanged(role_id=3)))

    assert (await cache.principal_of(token())).name == "after"


async def test_after_a_gap_everything_is_asked_for_again(auth: Auth, cache: PrincipalCache) -> None:
    await cache.principal_of(token())

    await cache.forget_all()
    await cache.principal_of(token())

    assert len(auth.asked) == 2


async def test_a_change_of_somebody_else_leaves_a_principal_known(auth: Auth, cache: PrincipalCache) -> None:
    await cache.principal_of(token())

    for client_type, principal_id in ((ClientType.USER, 8), (ClientType.NODE, 7)):
        changed = PrincipalChanged(client_type=client_type, principal_id=principal_id, principal_version=2)
        await cache.on_event(envelope(changed))
    await cache.principal_of(token())

    assert len(auth.asked) == 1


async def test_a_token_of_a_newer_version_never_meets_an_older_principal(auth: Auth, cache: PrincipalCache) -> None:
    await cache.principal_of(token())
    auth.put(user(version=2, name="after"))

    assert (await cache.principal_of(token(principal_version=2))).name == "after"
    assert (await cache.principal_of(token(principal_version=1))).name == "after"
    assert len(auth.asked) == 2


async def test_a_token_of_a_newer_version_does_not_rest_on_an_older_question(auth: Auth, cache: PrincipalCache) -> None:
    auth.may_answer.clear()
    older = asyncio.create_task(cache.principal_of(token(principal_version=1)))
    await auth.until_asked(1)
    auth.put(user(version=2, name="after"))
    newer = asyncio.create_task(cache.principal_of(token(principal_version=2)))
    await asyncio.sleep(0)

    auth.may_answer.set()

    assert ((await older).name, (await newer).name) == ("before", "after")


async def test_an_answer_that_was_on_its_way_during_a_change_is_not_kept(auth: Auth, cache: PrincipalCache) -> None:
    auth.may_answer.clear()
    early = asyncio.create_task(cache.principal_of(token()))
    await auth.until_asked(1)
    auth.put(user(version=2, name="after"))
    await cache.on_event(envelope(PrincipalChanged(client_type=ClientType.USER, principal_id=7, principal_version=2)))

    auth.may_answer.set()

    assert (await early).name == "before"
    assert (await cache.principal_of(token())).name == "after"


@pytest.mark.parametrize("whose", ["own", "everybody's", "unknown"])
async def test_who_asks_after_a_change_gets_no_answer_from_before_it(
    auth: Auth, cache: PrincipalCache, whose: str
) -> None:
    auth.may_answer.clear()
    early = asyncio.create_task(cache.principal_of(token()))
    await auth.until_asked(1)
    auth.put(user(version=2, name="after"))
    if whose == "own":
        changed = PrincipalChanged(client_type=ClientType.USER, principal_id=7, principal_version=2)
        await cache.on_event(envelope(changed))
    elif whose == "everybody's":
        await cache.on_event(envelope(PrincipalsChanged(role_id=3)))
    else:
        await cache.forget_all()
    late = asyncio.create_task(cache.principal_of(token()))
    await auth.until_asked(2)

    auth.may_answer.set()
    await early

    assert (await late).name == "after"
    assert (await cache.principal_of(token())).name == "after"


async def test_tokens_from_before_a_revocation_are_refused_and_later_ones_are_not(
    auth: Auth, cache: PrincipalCache
) -> None:
    auth.put(user(version=2, tokens_valid_from=1001))

    with pytest.raises(InvalidTokenError):
        await cache.principal_of(token(iat=1000))
    assert (await cache.principal_of(token(iat=1001))).id == 7


@pytest.mark.parametrize("sub", [99, "7"], ids=["unknown", "text"])
async def test_a_token_may_speak_for_nobody(cache: PrincipalCache, sub: Any) -> None:
    with pytest.raises(InvalidTokenError):
        await cache.principal_of(token(sub=sub))


async def test_an_inactive_principal_is_refused(auth: Auth, cache: PrincipalCache) -> None:
    auth.put(user(active=False))

    with pytest.raises(InvalidTokenError):
        await cache.principal_of(token())


async def test_a_principal_that_comes_back_is_found_at_once(auth: Auth, cache: PrincipalCache) -> None:
    auth.principals.clear()
    with pytest.raises(InvalidTokenError):
        await cache.principal_of(token())

    auth.put(user())

    assert (await cache.principal_of(token())).id == 7


async def test_what_is_known_serves_while_auth_is_away_and_the_rest_is_unavailable(
    auth: Auth, cache: PrincipalCache
) -> None:
    await cache.principal_of(token())
    auth.away = True

    assert (await cache.principal_of(token())).id == 7
    with pytest.raises(UnavailableError):
        await cache.principal_of(token(sub=8))


async def test_a_service_needs_nobody_to_say_who_it_is(auth: Auth, cache: PrincipalCache) -> None:
    service = await cache.principal_of(token(ClientType.SERVICE, "api"))

    assert ((service.name, service.id, service.rules), auth.asked) == (("api", 0, frozenset()), [])


async def test_a_container_has_its_nodes_rules_and_its_tokens_task(auth: Auth, cache: PrincipalCache) -> None:
    auth.put(
        Principal(
            client_type=ClientType.CONTAINER, id=3, organization_id=1, rules=frozenset({"task:COLLABORATION:VIEW"})
        )
    )
    subject = ContainerSubject(
        node_id=3,
        organization_id=1,
        collaboration_id=2,
        study_id=5,
        store_id=6,
        task_id=11,
        image="algorithm",
        databases=[{"label": "default"}],
    )

    container = await cache.principal_of(token(ClientType.CONTAINER, subject))

    assert auth.asked == [(ClientType.CONTAINER, 3)]
    assert container == Principal(
        client_type=ClientType.CONTAINER,
        id=11,
        organization_id=1,
        rules=frozenset({"task:COLLABORATION:VIEW"}),
        collaboration_id=2,
        node_id=3,
        study_id=5,
        store_id=6,
        image="algorithm",
        databases=[{"label": "default"}],
    )


async def test_what_changes_a_node_changes_its_containers(auth: Auth, cache: PrincipalCache) -> None:
    auth.put(Principal(client_type=ClientType.CONTAINER, id=3, organization_id=1))
    subject = ContainerSubject(
        node_id=3,
        organization_id=1,
        collaboration_id=2,
        study_id=None,
        store_id=None,
        task_id=11,
        image="algorithm",
        databases=[],
    )
    await cache.principal_of(token(ClientType.CONTAINER, subject))
    auth.principals.clear()

    await cache.on_event(envelope(PrincipalChanged(client_type=ClientType.NODE, principal_id=3, principal_version=2)))

    with pytest.raises(InvalidTokenError):
        await cache.principal_of(token(ClientType.CONTAINER, subject))
