"""What the bus does when the broker goes away under it."""

import asyncio
from typing import Any

import aio_pika
import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeOnline
from sextant_shared.contract.messages import Envelope
from sextant_shared.ids import new_id
from sextant_shared.messaging import RabbitMqBus


def node_online() -> Envelope:
    return NodeOnline(node_id=1, name="n", organization_id=1, collaboration_id=5).enclosed(
        message_id=new_id(), source="test", time=SystemClock().now()
    )


async def up(bus: RabbitMqBus) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await bus.ping()
            except UnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


async def down(bus: RabbitMqBus) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await bus.ping()
            except UnavailableError:
                return
            await asyncio.sleep(0.05)


async def test_a_killed_broker_is_told_as_unavailable_and_listening_goes_on_after_its_return(rabbitmq: Any) -> None:
    heard: list[Envelope] = []
    arrived, gap = asyncio.Event(), asyncio.Event()

    async def hear(envelope: Envelope) -> None:
        heard.append(envelope)
        arrived.set()

    async def on_gap() -> None:
        gap.set()

    bus = RabbitMqBus(rabbitmq.create_vhost(), service="test")
    bus.broadcast(hear, keys=["*.*.5"], on_gap=on_gap)
    running = asyncio.create_task(bus.run())
    try:
        await up(bus)
        rabbitmq.kill()
        await down(bus)
        with pytest.raises(UnavailableError):
            await bus.publish([node_online()])
        assert not gap.is_set()

        await asyncio.to_thread(rabbitmq.start)
        async with asyncio.timeout(60):
            await gap.wait()
        after = node_online()
        await bus.publish([after])
        async with asyncio.timeout(10):
            await arrived.wait()

        assert [after] == heard
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class BreakingExchange:
    """An exchange whose connection breaks down over a message, or that never confirms it."""

    def __init__(self, *, breaks: bool) -> None:
        self._breaks = breaks
        self.asked = asyncio.Event()

    async def publish(self, *_args: object, **_options: object) -> None:
        self.asked.set()
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._breaks:
            waiting.cancel()
        await waiting


async def test_a_connection_that_breaks_down_over_a_message_does_not_end_who_publishes() -> None:
    bus = RabbitMqBus("amqp://nowhere/", service="test")
    bus._events = BreakingExchange(breaks=True)  # type: ignore[assignment]

    with pytest.raises(UnavailableError):
        await bus.publish([node_online()])


@pytest.mark.parametrize("error", [StopAsyncIteration, KeyError, asyncio.CancelledError])
async def test_whatever_the_library_lets_out_when_it_cannot_connect_it_is_tried_again(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Semaphore(0)

    async def connect(*_args: object, **_options: object) -> None:
        tried.release()
        raise error

    monkeypatch.setattr(aio_pika, "connect", connect)
    running = asyncio.create_task(RabbitMqBus("amqp://nowhere/", service="test").run())
    async with asyncio.timeout(10):
        for _ in range(3):
            await tried.acquire()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_lost_connection_ends_the_wait_for_its_confirms() -> None:
    bus = RabbitMqBus("amqp://nowhere/", service="test")
    exchange = BreakingExchange(breaks=False)
    bus._events = exchange  # type: ignore[assignment]
    publishing = asyncio.create_task(bus.publish([node_online()]))
    await exchange.asked.wait()
    bus._note_loss()

    with pytest.raises(UnavailableError):
        async with asyncio.timeout(5):
            await publishing


async def test_who_publishes_can_still_be_ended() -> None:
    bus = RabbitMqBus("amqp://nowhere/", service="test")
    exchange = BreakingExchange(breaks=False)
    bus._events = exchange  # type: ignore[assignment]
    publishing = asyncio.create_task(bus.publish([node_online()]))
    await exchange.asked.wait()
    publishing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await publishing


async def test_the_first_connection_is_no_gap(rabbitmq: Any) -> None:
    gap = asyncio.Event()

    async def ignore(_: Envelope) -> None:
        return

    async def on_gap() -> None:
        gap.set()

    bus = RabbitMqBus(rabbitmq.create_vhost(), service="test")
    bus.broadcast(ignore, keys=["*.*.5"], on_gap=on_gap)
    running = asyncio.create_task(bus.run())
    try:
        await up(bus)
        assert not gap.is_set()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
