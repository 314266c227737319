"""Nodes of an adopted vantage6 database log in with the keys that they have."""

import asyncio
import threading
from collections.abc import AsyncIterator
from uuid import uuid1, uuid4

import bcrypt
import pytest
from sqlalchemy import update

from services.auth.tests.kit import Auth
from sextant_auth.models import node_credentials
from sextant_auth.nodes import legacy_keys
from sextant_auth.nodes.legacy_keys import LegacyKeys
from sextant_shared.contract.errors import UnavailableError


async def adopt_node(auth: Auth, node_id: int, key: str) -> None:
    """Make a node as the adoption of a database does: with a bcrypt hash of its key alone."""
    await auth.add_node(node_id)
    stored = bcrypt.hashpw(key.encode(), bcrypt.gensalt(4)).decode()
    async with auth.db.transaction() as tx:
        await tx.session.execute(
            update(node_credentials)
            .where(node_credentials.c.node_id == node_id)
            .values(key_hmac=None, legacy_hash=stored)
        )


async def log_in(auth: Auth, key: str) -> int:
    return (await auth.post("/api/token/node", api_key=key)).status_code


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were compared with a hash, once for each."""
    seen: list[str] = []
    checkpw = bcrypt.checkpw

    def noted(key: bytes, stored: bytes) -> bool:
        seen.append(key.decode())
        return checkpw(key, stored)

    monkeypatch.setattr(bcrypt, "checkpw", noted)
    return seen


class Hours:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hours:
    return Hours()


@pytest.fixture
async def keys(auth_on_sqlite: Auth, clock: Hours) -> AsyncIterator[LegacyKeys]:
    keys = LegacyKeys(auth_on_sqlite.db, workers=1, monotonic=clock)
    yield keys
    await keys.close()


async def test_a_node_logs_in_with_its_old_key_and_is_found_at_once_from_then_on(
    auth: Auth, compared: list[str]
) -> None:
    old = {node_id: str(uuid4()) for node_id in (1, 2, 3)}
    for node_id, key in old.items():
        await adopt_node(auth, node_id, key)

    first = await auth.post("/api/token/node", api_key=old[2])
    count = len(compared)
    with auth.counting() as statements:
        second = await auth.post("/api/token/node", api_key=old[2])

    assert (first.status_code, first.json()["node_url"]) == (200, "/api/node/2")
    assert (second.status_code, second.json()["node_url"]) == (200, "/api/node/2")
    assert (count, len(compared)) == (2, 2)
    assert len(statements) <= 3
    hashes = {row.node_id: row.legacy_hash for row in await auth.rows(node_credentials)}
    assert (hashes[2], hashes[1] is None, hashes[3] is None) == (None, False, False)


async def test_a_key_of_an_older_form_does_too(auth: Auth) -> None:
    key = str(uuid1())
    await adopt_node(auth, 1, key)

    assert await log_in(auth, key) == 200


async def test_a_wrong_key_is_compared_once_and_remembered(auth: Auth, compared: list[str]) -> None:
    for node_id in (1, 2):
        await adopt_node(auth, node_id, str(uuid4()))
    wrong = str(uuid4())

    assert [await log_in(auth, wrong) for _ in range(3)] == [401, 401, 401]
    assert compared == [wrong, wrong]


@pytest.mark.parametrize("key", ["", "short", "x" * 36, "{3f0c2d1e-6b7a-4c59-9d11-0a4b8c7e5f21}", "a" * 5000, "\ud800"])
async def test_what_has_not_the_form_of_a_key_is_not_compared(
    auth_on_sqlite: Auth, keys: LegacyKeys, compared: list[str], key: str
) -> None:
    await adopt_node(auth_on_sqlite, 1, str(uuid4()))

    assert not await keys.adopt(key, "f", address=None)
    assert compared == []


async def test_where_no_old_hash_is_left_nothing_is_asked_twice(auth: Auth, compared: list[str]) -> None:
    await auth.add_node(1)
    assert await log_in(auth, str(uuid4())) == 401
    with auth.counting() as statements:
        assert await log_in(auth, str(uuid4())) == 401

    assert len(statements) <= 2
    assert compared == []


async def test_a_key_that_was_replaced_does_not_come_back(auth: Auth) -> None:
    old = str(uuid4())
    await adopt_node(auth, 1, old)
    new = await auth.add_node(1)

    assert [await log_in(auth, old), await log_in(auth, new)] == [401, 200]


async def test_a_broken_hash_fits_nothing_and_hinders_nobody(auth: Auth) -> None:
    key = str(uuid4())
    await adopt_node(auth, 1, str(uuid4()))
    await adopt_node(auth, 2, key)
    async with auth.db.transaction() as tx:
        await tx.session.execute(
            update(node_credentials).where(node_credentials.c.node_id == 1).values(legacy_hash="broken")
        )

    assert await log_in(auth, key) == 200


async def test_an_address_may_try_only_so_many_new_keys_in_a_time(
    auth_on_sqlite: Auth, keys: LegacyKeys, clock: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy_keys, "_KEYS_BURST", 2)
    right = str(uuid4())
    await adopt_node(auth_on_sqlite, 1, right)
    await adopt_node(auth_on_sqlite, 2, str(uuid4()))

    async def is_heard(name: str, address: str, key: str | None = None) -> bool:
        try:
            await keys.adopt(key or str(uuid4()), name, address=address)
        except UnavailableError:
            return False
        return True

    assert [await is_heard(f"a{number}", "10.0.0.1") for number in range(3)] == [True, True, False]
    assert await is_heard("a0", "10.0.0.1")  # is known to be wrong, and costs nothing
    assert await is_heard("b", "10.0.0.2")
    clock.now = 11.0
    assert await is_heard("right", "10.0.0.1", right)
    assert not await is_heard("c", "10.0.0.1")


async def test_only_so_many_keys_wait_and_none_holds_a_request_for_long(
    auth_on_sqlite: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy_keys, "_AT_ONCE", 1)
    key, release, checkpw = str(uuid4()), threading.Event(), bcrypt.checkpw

    def slow(given: bytes, stored: bytes) -> bool:
        release.wait(10)
        return checkpw(given, stored)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    await adopt_node(auth_on_sqlite, 1, key)
    keys = LegacyKeys(auth_on_sqlite.db, workers=1, patience_seconds=0)
    try:
        with pytest.raises(UnavailableError):  # it goes on
            await keys.adopt(key, "f", address="10.0.0.1")
        with pytest.raises(UnavailableError):  # there is no place
            await keys.adopt(str(uuid4()), "g", address="10.0.0.2")
        patient = asyncio.create_task(keys.adopt(key, "f", address="10.0.0.3"))
        with pytest.raises(UnavailableError):  # it is the one that goes on, and not begun again
            await patient
        release.set()
        while keys.is_busy:
            await asyncio.sleep(0.01)
        rows = await auth_on_sqlite.rows(node_credentials)
    finally:
        release.set()
        await keys.close()

    assert [(row.key_hmac, row.legacy_hash) for row in rows] == [("f", None)]


async def test_a_crowd_with_one_key_is_compared_once(
    auth_on_sqlite: Auth, keys: LegacyKeys, compared: list[str]
) -> None:
    key = str(uuid4())
    await adopt_node(auth_on_sqlite, 1, key)

    found = await asyncio.gather(*(keys.adopt(key, "f", address="10.0.0.1") for _ in range(5)))

    assert found == [True] * 5
    assert compared == [key]
