"""What the bus does when the broker goes away under it."""

import asyncio
from typing import Any

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
