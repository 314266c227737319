"""Which connections api is told to be alive."""

import asyncio

import pytest

from services.relay.tests.kit import Commands, Switchable, eventually
from sextant_relay import presence as presence_module
from sextant_relay.outgoing import Outgoing
from sextant_relay.presence import Presence
from sextant_shared.clock import SystemClock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.commands import (
    CloseConnection,
    CloseUserConnection,
    LiveUserConnection,
    OpenConnection,
    OpenUserConnection,
    TouchConnections,
    TouchUserConnections,
)
from sextant_shared.messaging import API_COMMANDS, AUTH_COMMANDS, InProcessBus
from sextant_shared.security import Principal


def node(node_id: int) -> Principal:
    return Principal(client_type=ClientType.NODE, id=node_id, organization_id=2, collaboration_id=3)


def user(user_id: int) -> Principal:
    return Principal(client_type=ClientType.USER, id=user_id, organization_id=2)


class Stand:
    """Presence with what it stands on."""

    def __init__(self) -> None:
        self.commands = Commands()
        self.bus = Switchable(InProcessBus())
        self.bus.consume(API_COMMANDS, self.commands)
        self.of_users = Commands()
        self.bus.consume(AUTH_COMMANDS, self.of_users)
        self.outgoing = Outgoing(self.bus, SystemClock())
        self.presence = Presence(self.bus, self.outgoing, SystemClock(), lease_seconds=40, touch_seconds=0.01)

    def touched(self) -> list[list[str]]:
        return [
            sorted(each.connection_id for each in touch.connections) for touch in self.commands.of(TouchConnections)
        ]


@pytest.fixture
def stand() -> Stand:
    return Stand()


async def test_a_connection_is_opened_and_closed_by_name(stand: Stand) -> None:
    stand.presence.opened("c-1", node(7))
    await stand.outgoing.flushed()
    stand.presence.closed("c-1")
    await stand.outgoing.flushed()
    assert stand.commands.of(OpenConnection) == [
        OpenConnection(connection_id="c-1", node_id=7, collaboration_id=3, lease_seconds=40)
    ]
    assert stand.commands.of(CloseConnection) == [CloseConnection(connection_id="c-1", node_id=7)]


async def test_a_connection_that_was_never_opened_is_not_closed(stand: Stand) -> None:
    stand.presence.closed("c-1")
    await stand.outgoing.flushed()
    assert stand.commands.seen == []


async def test_all_live_connections_are_touched_at_once(stand: Stand) -> None:
    for number in (1, 2, 3):
        stand.presence.opened(f"c-{number}", node(number))
    stand.presence.closed("c-2")
    await stand.presence.touch()
    assert stand.touched() == [["c-1", "c-3"]]


async def test_many_connections_are_touched_in_batches(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "BATCH", 2)
    for number in range(5):
        stand.presence.opened(f"c-{number}", node(number))
    await stand.presence.touch()
    assert stand.touched() == [["c-0", "c-1"], ["c-2", "c-3"], ["c-4"]]


async def test_nothing_is_touched_where_nobody_is(stand: Stand) -> None:
    await stand.presence.touch()
    assert stand.commands.seen == []


async def test_a_touch_that_the_broker_does_not_take_is_not_repeated(stand: Stand) -> None:
    stand.presence.opened("c-1", node(1))
    await stand.outgoing.flushed()
    stand.bus.down = True
    await stand.presence.touch()
    stand.bus.down = False
    await stand.presence.touch()
    assert stand.touched() == [["c-1"]]


async def test_a_connection_that_comes_and_goes_while_the_broker_is_away_leaves_no_trace(stand: Stand) -> None:
    stand.presence.opened("c-0", node(1))
    stand.bus.down = True
    stand.presence.opened("c-1", node(1))
    stand.presence.closed("c-1")
    stand.presence.closed("c-0")
    stand.bus.down = False
    await stand.outgoing.flushed()
    assert stand.commands.seen == []


async def test_everybody_is_announced_again_after_a_gap(stand: Stand) -> None:
    stand.presence.opened("c-1", node(1))
    stand.presence.opened("c-2", node(2))
    stand.presence.closed("c-2")
    await stand.outgoing.flushed()
    stand.presence.announce_all()
    await stand.outgoing.flushed()
    assert [each.connection_id for each in stand.commands.of(OpenConnection)] == ["c-1", "c-1"]


async def test_touches_go_on_by_themselves(stand: Stand) -> None:
    stand.presence.opened("c-1", node(1))
    running = asyncio.create_task(stand.presence.run())
    await eventually(lambda: len(stand.touched()) >= 2)
    running.cancel()
    assert set(map(tuple, stand.touched())) == {("c-1",)}


async def test_of_a_user_auth_is_told_and_api_is_not(stand: Stand) -> None:
    stand.presence.opened("c-1", user(5))
    await stand.outgoing.flushed()
    await stand.presence.touch()
    stand.presence.closed("c-1")
    await stand.outgoing.flushed()

    live = [LiveUserConnection(connection_id="c-1", user_id=5)]
    for command in (
        OpenUserConnection(connection_id="c-1", user_id=5, lease_seconds=40),
        TouchUserConnections(connections=live, lease_seconds=40),
        CloseUserConnection(connection_id="c-1", user_id=5),
    ):
        assert stand.of_users.of(type(command)) == [command]
    assert stand.commands.seen == []


async def test_users_and_nodes_are_touched_apart(stand: Stand) -> None:
    stand.presence.opened("c-1", user(5))
    stand.presence.opened("c-2", node(7))
    await stand.presence.touch()

    assert stand.touched() == [["c-2"]]
    (touch,) = stand.of_users.of(TouchUserConnections)
    assert [each.connection_id for each in touch.connections] == ["c-1"]


async def test_a_user_who_left_before_it_was_told_is_not_told_of(stand: Stand) -> None:
    stand.bus.down = True
    stand.presence.opened("blocker", user(4))
    await stand.presence.touch()
    stand.presence.opened("c-1", user(5))
    stand.presence.closed("c-1")
    stand.bus.down = False
    await stand.outgoing.flushed()

    assert [each.connection_id for each in stand.of_users.of(OpenUserConnection)] == ["blocker"]
    assert stand.of_users.of(CloseUserConnection) == []
