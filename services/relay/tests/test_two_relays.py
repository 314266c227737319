"""Two relays on one real broker: each hears what it has sockets for, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.relay.tests.kit import QUICK, Commands, Relay, Stage, envelope, eventually, serving
from sextant_relay.app import create_service
from sextant_relay.settings import RelaySettings
from sextant_shared.contract.commands import AppendRunLog, CloseConnection, OpenConnection
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeChanged, TaskCreated
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.messaging import API_COMMANDS, RabbitMqBus
from sextant_shared.security import Principal
from sextant_shared.testing.rabbitmq import RabbitServer


def task(task_id: int, collaboration_id: int) -> TaskCreated:
    return TaskCreated(
        task_id=task_id, parent_id=None, job_id=1, collaboration_id=collaboration_id, organization_ids=[1]
    )


class Pair:
    """Two relays, and what each of them took from the broker."""

    def __init__(self, stage: Stage, api_bus: RabbitMqBus) -> None:
        self.stage = stage
        self.api_bus = api_bus
        self.relays: list[Relay] = []
        self.received: list[list[Envelope]] = [[], []]

    async def publish(self, *contents: Content) -> None:
        await self.api_bus.publish([envelope(content) for content in contents])

    def tasks(self, which: int) -> list[int]:
        """The tasks that a relay heard of."""
        return [each.data["task_id"] for each in self.received[which] if each.type == TaskCreated.type]


async def up(*buses: RabbitMqBus) -> None:
    async with asyncio.timeout(30):
        for bus in buses:
            while True:
                try:
                    await bus.ping()
                except UnavailableError:
                    await asyncio.sleep(0.02)
                else:
                    break


@pytest.fixture
def url(rabbitmq: RabbitServer) -> str:
    return rabbitmq.create_vhost("relays")


@pytest.fixture
async def pair(stage: Stage, url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    api_bus = RabbitMqBus(url, service="api")
    stage.commands = Commands()
    api_bus.consume(API_COMMANDS, stage.commands)
    made = Pair(stage, api_bus)
    settings = RelaySettings.model_validate(QUICK)
    async with AsyncExitStack() as exits:
        buses = [RabbitMqBus(url, service=f"relay-{number}") for number in range(2)]
        for bus, received in zip(buses, made.received, strict=True):
            with monkeypatch.context() as patch:
                patch.setattr(bus, "broadcast", _overheard(bus, received))
                service = create_service(settings, bus=bus, network=stage.network)
            made.relays.append(await exits.enter_async_context(serving(service, settings, bus.run)))
        running = asyncio.create_task(api_bus.run())
        await up(api_bus, *buses)
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _overheard(bus: RabbitMqBus, received: list[Envelope]) -> Any:
    """Let a broadcast be overheard."""
    broadcast = bus.broadcast

    def overheard(handler: Any, **options: Any) -> Any:
        async def hear(message: Envelope) -> None:
            received.append(message)
            await handler(message)

        return broadcast(hear, **options)

    return overheard


def node(pair: Pair, node_id: int, collaboration_id: int) -> Principal:
    return pair.stage.node(node_id, organization_id=1, collaboration_id=collaboration_id)


async def test_an_event_reaches_the_relay_that_has_a_socket_for_it_and_no_other(pair: Pair) -> None:
    first, second = pair.relays
    one = await first.ear().connect(pair.stage.auth.token(node(pair, 1, 10)))
    two = await second.ear().connect(pair.stage.auth.token(node(pair, 2, 20)))
    await one.until("sync")
    await two.until("sync")
    await pair.publish(task(100, 10), task(200, 20), task(300, 30))
    await pair.publish(task(101, 10), task(201, 20))
    await one.until("new_task", 2)
    await two.until("new_task", 2)
    assert [pair.tasks(0), pair.tasks(1)] == [[100, 101], [200, 201]]
    assert [[each["id"] for each in ear.of("new_task")] for ear in (one, two)] == [[100, 101], [200, 201]]


async def test_a_collaboration_with_sockets_on_both_relays_is_heard_on_both(pair: Pair) -> None:
    ears = [
        await relay.ear().connect(pair.stage.auth.token(node(pair, number, 10)))
        for number, relay in enumerate(pair.relays, start=1)
    ]
    for ear in ears:
        await ear.until("sync")
    await pair.publish(task(100, 10))
    assert [await ear.until("new_task") for ear in ears] == [[{"id": 100, "parent_id": None}]] * 2


async def test_a_user_who_hears_everything_hears_of_collaborations_made_later(pair: Pair) -> None:
    root = pair.stage.auth.add_user(organization_id=1, role="Root")
    ear = await pair.relays[1].ear().connect(pair.stage.auth.token(root))
    await pair.relays[1].until_identified(1)
    await pair.publish(task(100, 12345))
    assert await ear.until("new_task") == [{"id": 100, "parent_id": None}]
    assert pair.tasks(0) == []


async def test_what_decides_about_rights_is_heard_everywhere(pair: Pair) -> None:
    await pair.publish(NodeChanged(node_id=1, name="", organization_id=1, collaboration_id=99))
    await eventually(lambda: all(pair.received))
    assert [[each.type for each in received] for received in pair.received] == [[NodeChanged.type]] * 2


async def test_commands_reach_api_from_both(pair: Pair) -> None:
    for number, relay in enumerate(pair.relays, start=1):
        ear = await relay.ear().connect(pair.stage.auth.token(node(pair, number, 10)))
        await ear.say("algorithm_log", {"run_id": 5, "log": f"from {number}"})
    said = await pair.stage.commands.until(AppendRunLog, 2)
    assert sorted((each.node_id, each.log) for each in said) == [(1, "from 1"), (2, "from 2")]


async def test_a_node_that_moves_to_the_other_relay_is_opened_there_and_closed_here(pair: Pair) -> None:
    token = pair.stage.auth.token(node(pair, 1, 10))
    here, there = [await relay.ear().connect(token) for relay in pair.relays]
    opened = await pair.stage.commands.until(OpenConnection, 2)
    await here.client.disconnect()
    closed = await pair.stage.commands.until(CloseConnection)
    assert closed[0].connection_id in {each.connection_id for each in opened}
    await pair.publish(task(100, 10))
    assert await there.until("new_task")


async def test_a_broker_that_was_away_makes_nodes_look_for_work_and_hear_again(
    pair: Pair, rabbitmq: RabbitServer
) -> None:
    ear = await pair.relays[0].ear().connect(pair.stage.auth.token(node(pair, 1, 10)))
    await ear.until("sync")
    with rabbitmq.down():
        await ear.say("algorithm_log", {"run_id": 5, "log": "said meanwhile"})
        await ear.settle()
    await ear.until("sync", 2)
    assert await pair.stage.commands.until(AppendRunLog, log="said meanwhile")
    await up(pair.api_bus)
    await pair.publish(task(100, 10))
    assert await ear.until("new_task")


async def test_a_node_that_connects_before_the_broker_does_looks_for_work_again(stage: Stage, url: str) -> None:
    settings = RelaySettings.model_validate(QUICK)
    bus = RabbitMqBus(url, service="relay")
    go = asyncio.Event()

    async def run_late() -> None:
        await go.wait()
        await bus.run()

    service = create_service(settings, bus=bus, network=stage.network)
    async with serving(service, settings, run_late) as relay:
        ear = await relay.ear().connect(stage.auth.token(stage.node(1, organization_id=1, collaboration_id=10)))
        await ear.until("sync")
        go.set()
        assert len(await ear.until("sync", 2)) == 2
