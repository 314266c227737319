"""One class for the `Bus` port, run over every adapter."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import AppendRunLog
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import MembershipChanged, NodeOnline, TaskCreated
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.ids import new_id
from sextant_shared.messaging import API_COMMANDS, AUTH_EVENTS, Bus, InProcessBus, RabbitMqBus
from sextant_shared.messaging import rabbitmq as rabbitmq_module
from sextant_shared.messaging.topology import ATTEMPTS


def envelope(content: Content) -> Envelope:
    return content.enclosed(message_id=new_id(), source="test", time=SystemClock().now())


def task_created(collaboration_id: int, task_id: int = 1) -> Envelope:
    return envelope(
        TaskCreated(task_id=task_id, parent_id=None, job_id=1, collaboration_id=collaboration_id, organization_ids=[1])
    )


class Inbox:
    """A handler that remembers, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.seen: list[Envelope] = []
        self.failures = failures
        self._news = asyncio.Event()

    async def __call__(self, message: Envelope) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not this time")
        self.seen.append(message)
        self._news.set()

    async def until(self, count: int) -> list[Envelope]:
        async with asyncio.timeout(20):
            while len(self.seen) < count:
                self._news.clear()
                await self._news.wait()
        return self.seen


class Running:
    """Runs a bus and waits until it is up."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def __aenter__(self) -> Bus:
        self._task = asyncio.create_task(self._bus.run())
        async with asyncio.timeout(20):
            while True:
                try:
                    await self._bus.ping()
                except UnavailableError:
                    await asyncio.sleep(0.02)
                else:
                    return self._bus

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture(params=["in-process", "rabbitmq"])
async def bus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    if request.param == "in-process":
        yield InProcessBus(retry_seconds=0.01)
        return
    # the delay belongs to the queues, so a short one needs queues of its own: a fresh virtual host has them
    monkeypatch.setattr(rabbitmq_module, "RETRY_DELAY_SECONDS", 0.1)
    server = request.getfixturevalue("rabbitmq")
    yield RabbitMqBus(server.create_vhost(), service="test")


class TestBus:
    async def test_a_broadcast_hears_what_it_is_bound_to_and_nothing_else(self, bus: Bus) -> None:
        heard = Inbox()
        bus.broadcast(heard, keys=["*.*.5"])
        wanted, unwanted, last = task_created(5), task_created(6), task_created(5)

        async with Running(bus):
            await bus.publish([wanted, unwanted, last])
            await heard.until(2)

        assert [wanted, last] == heard.seen

    async def test_a_binding_made_later_takes_effect_when_bind_returns(self, bus: Bus) -> None:
        heard = Inbox()
        broadcast = bus.broadcast(heard)
        wanted = task_created(5)

        async with Running(bus):
            await bus.publish([task_created(5)])
            await broadcast.bind("*.*.5")
            await bus.publish([wanted])
            await heard.until(1)

        assert [wanted] == heard.seen

    async def test_an_unbound_key_is_heard_no_more(self, bus: Bus) -> None:
        heard = Inbox()
        broadcast = bus.broadcast(heard, keys=["*.*.5", "*.*.6"])
        last = task_created(6)

        async with Running(bus):
            await broadcast.unbind("*.*.5")
            await bus.publish([task_created(5), last])
            await heard.until(1)

        assert [last] == heard.seen

    async def test_a_broadcast_keeps_the_order_of_publishing(self, bus: Bus) -> None:
        heard = Inbox()
        bus.broadcast(heard, keys=["*.*.5"])
        messages = [task_created(5, task_id=number) for number in range(1, 301)]

        async with Running(bus):
            await bus.publish(messages)
            await heard.until(len(messages))

        assert messages == heard.seen

    async def test_a_broadcast_goes_on_after_its_handler_raised(self, bus: Bus) -> None:
        heard = Inbox(failures=1)
        bus.broadcast(heard, keys=["*.*.5"])
        last = task_created(5)

        async with Running(bus):
            await bus.publish([task_created(5), last])
            await heard.until(1)

        assert [last] == heard.seen

    async def test_an_event_that_nobody_is_bound_to_counts_as_published(self, bus: Bus) -> None:
        async with Running(bus):
            await bus.publish([envelope(NodeOnline(node_id=1, name="n", organization_id=1, collaboration_id=99))])

    async def test_a_durable_queue_gets_the_events_of_its_bindings(self, bus: Bus) -> None:
        received = Inbox()
        bus.consume(AUTH_EVENTS, received)
        wanted = envelope(MembershipChanged(collaboration_id=3, organization_ids=[1, 2], revision=1))

        async with Running(bus):
            await bus.publish([task_created(3), wanted])
            await received.until(1)

        assert [wanted] == received.seen

    async def test_a_command_reaches_the_queue_it_is_sent_to(self, bus: Bus) -> None:
        received = Inbox()
        bus.consume(API_COMMANDS, received)
        command = envelope(AppendRunLog(node_id=1, run_id=2, log="line"))

        async with Running(bus):
            await bus.send(API_COMMANDS, command)
            await received.until(1)

        assert [command] == received.seen

    async def test_a_message_whose_handler_raised_is_tried_again(self, bus: Bus) -> None:
        received = Inbox(failures=2)
        bus.consume(API_COMMANDS, received)
        command = envelope(AppendRunLog(node_id=1, run_id=2, log="line"))

        async with Running(bus):
            await bus.send(API_COMMANDS, command)
            await received.until(1)
            parked = await bus.parked(API_COMMANDS)

        assert ([command], 0) == (received.seen, parked)

    async def test_a_message_that_always_fails_is_parked_and_the_queue_moves_on(self, bus: Bus) -> None:
        received = Inbox(failures=ATTEMPTS)
        bus.consume(API_COMMANDS, received)
        poison, good = (envelope(AppendRunLog(node_id=1, run_id=2, log=text)) for text in ("poison", "good"))

        async with Running(bus):
            await bus.send(API_COMMANDS, poison)
            async with asyncio.timeout(20):
                while await bus.parked(API_COMMANDS) < 1:
                    await asyncio.sleep(0.05)
            await bus.send(API_COMMANDS, good)
            await received.until(1)

        assert [good] == received.seen
