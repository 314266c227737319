"""A user is online exactly while one of its connections to the event channel lives."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from services.auth.tests.kit import Auth
from sextant_auth.models import inbox, user_connections, users
from sextant_auth.presence.sweeper import Sweeper
from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import (
    CloseUserConnection,
    LiveUserConnection,
    OpenConnection,
    OpenUserConnection,
    TouchUserConnections,
)
from sextant_shared.contract.messages import Content
from sextant_shared.contract.routing import RELAY
from sextant_shared.messaging import AUTH_COMMANDS

LEASE = 40


class Person:
    """A user, and relay speaking of its connections."""

    def __init__(self, auth: Auth, user_id: int) -> None:
        self.auth = auth
        self.id = user_id

    async def send(self, command: Content, *, message_id: object = None) -> None:
        envelope = command.enclosed(message_id=message_id or uuid4(), source=RELAY, time=SystemClock().now())
        await self.auth.bus.send(AUTH_COMMANDS, envelope)

    def opening(self, name: str) -> Content:
        return OpenUserConnection(connection_id=name, user_id=self.id, lease_seconds=LEASE)

    def closing(self, name: str) -> Content:
        return CloseUserConnection(connection_id=name, user_id=self.id)

    async def open(self, name: str) -> None:
        await self.send(self.opening(name))

    async def close(self, name: str) -> None:
        await self.send(self.closing(name))

    async def touch(self, *names: str) -> None:
        live = [LiveUserConnection(connection_id=name, user_id=self.id) for name in names]
        await self.send(TouchUserConnections(connections=live, lease_seconds=LEASE))

    async def let_lapse(self) -> None:
        """Let all leases run out, and settle."""
        async with self.auth.db.transaction() as tx:
            long_ago = SystemClock().now() - timedelta(seconds=1)
            await tx.session.execute(update(user_connections).values(online_until=long_ago))
        await Sweeper(self.auth.db).sweep()

    async def status(self) -> str | None:
        answer = await self.auth.get(f"/api/user/{self.id}", await self.auth.token_of())
        found: str | None = answer.json()["status"]
        return found


@pytest.fixture
async def person(auth: Auth) -> Person:
    return Person(auth, await auth.add_user("alice", organization_id=2))


async def test_one_who_was_never_connected_is_neither(person: Person) -> None:
    assert await person.status() is None


async def test_a_connection_makes_online_and_its_end_offline_at_once(person: Person) -> None:
    seen = [await person.status()]
    for step in (person.open, person.close):
        await step("c-1")
        seen.append(await person.status())

    assert seen == [None, "online", "offline"]


async def test_lists_show_it_too(person: Person) -> None:
    await person.open("c-1")

    answer = await person.auth.get("/api/user", await person.auth.token_of())

    assert [(user["username"], user["status"]) for user in answer.json()["data"]] == [
        ("root", None),
        ("alice", "online"),
    ]


async def test_of_two_connections_the_last_counts(person: Person) -> None:
    await person.open("c-1")
    await person.open("c-2")
    await person.close("c-1")
    assert await person.status() == "online"

    await person.close("c-2")
    assert await person.status() == "offline"


async def test_connections_of_a_killed_relay_lapse(person: Person) -> None:
    await person.open("c-1")
    await person.let_lapse()
    assert await person.status() == "offline"

    await person.touch("c-1")
    assert await person.status() == "online"


async def test_a_touch_makes_up_for_a_lost_opening(person: Person) -> None:
    await person.touch("c-1", "c-2")

    assert await person.status() == "online"


async def test_what_comes_late_does_not_revive_a_closed_connection(person: Person) -> None:
    await person.close("c-1")
    await person.open("c-1")
    await person.touch("c-1")

    assert await person.status() is None


async def test_a_doubled_opening_is_acted_upon_once(person: Person) -> None:
    message_id = uuid4()
    for _ in range(2):
        await person.send(person.opening("c-1"), message_id=message_id)

    assert len(await person.auth.rows(user_connections)) == 1
    assert [row.message_id for row in await person.auth.rows(inbox)] == [message_id]


async def test_nobody_closes_the_connection_of_somebody_else(person: Person) -> None:
    other = Person(person.auth, await person.auth.add_user("bob", organization_id=2))
    await person.open("c-1")
    await other.close("c-1")

    assert (await person.status(), await other.status()) == ("online", None)


async def test_a_user_that_is_no_more_is_ignored_and_its_connections_go_with_it(person: Person) -> None:
    await person.open("c-1")
    await person.auth.delete(f"/api/user/{person.id}", await person.auth.token_of())
    await person.touch("c-1")
    await person.close("c-1")
    await person.open("c-2")

    assert await person.auth.rows(user_connections) == []
    assert await person.auth.bus.parked(AUTH_COMMANDS) == 0


async def test_a_connection_counts_as_having_seen_the_user(person: Person) -> None:
    await person.open("c-1")

    row = next(row for row in await person.auth.rows(users) if row.id == person.id)
    assert row.last_seen is not None
    await person.touch("c-1")
    again = next(row for row in await person.auth.rows(users) if row.id == person.id)
    assert again.last_seen == row.last_seen  # not more exactly than by the minute


async def test_several_may_sweep_and_speak_at_once(person: Person) -> None:
    sweeper = Sweeper(person.auth.db)
    await person.open("c-1")

    await asyncio.gather(
        *(sweeper.sweep() for _ in range(4)),
        *(person.touch("c-1", f"c-{number}") for number in range(2, 6)),
        person.close("c-1"),
    )

    assert await person.status() == "online"


async def test_a_sweep_without_work_is_one_question(person: Person) -> None:
    await person.open("c-1")
    with person.auth.counting() as statements:
        assert await Sweeper(person.auth.db).sweep() == 0

    assert len(statements) == 1


async def test_what_ended_long_ago_is_forgotten(person: Person) -> None:
    await person.open("c-1")
    await person.close("c-1")
    await person.auth.clean()
    kept = len(await person.auth.rows(user_connections))
    async with person.auth.db.transaction() as tx:
        long_ago = SystemClock().now() - timedelta(hours=2)
        await tx.session.execute(update(user_connections).values(online_until=long_ago))
    await person.auth.clean()

    assert (kept, await person.auth.rows(user_connections)) == (1, [])


async def test_a_command_that_is_not_for_auth_is_parked(person: Person) -> None:
    await person.send(OpenConnection(connection_id="c", node_id=1, collaboration_id=1, lease_seconds=1))

    assert await person.auth.bus.parked(AUTH_COMMANDS) == 1
