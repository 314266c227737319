"""An operator looks at messages that were given up on, and lets them be tried again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import AppendRunLog
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.ids import new_id
from sextant_shared.messaging import API_COMMANDS, RabbitMqBus
from sextant_shared.messaging import rabbitmq as rabbitmq_module
from sextant_shared.messaging.parking import Parking
from sextant_shared.telemetry import PARKED_MESSAGES

SECONDS = 60


class Services:
    """A service that consumes commands: refuses them at first, takes them later."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_mended = False
        self.done: list[Envelope] = []
        self.bus = RabbitMqBus(url, service="test")
        self.bus.consume(API_COMMANDS, self.act)

    async def act(self, envelope: Envelope) -> None:
        if not self.is_mended:
            raise RuntimeError("not yet mended")
        self.done.append(envelope)

    async def park(self, *logs: str) -> list[Envelope]:
        """Let messages be tried until they are given up on, one after the other."""
        sent = []
        for number, log in enumerate(logs, start=1):
            envelope = AppendRunLog(node_id=1, run_id=2, log=log).enclosed(
                message_id=new_id(), source="test", time=SystemClock().now()
            )
            await self.bus.send(API_COMMANDS, envelope)
            async with asyncio.timeout(SECONDS):
                while await self.bus.parked(API_COMMANDS) < number:
                    await asyncio.sleep(0.05)
            sent.append(envelope)
        return sent

    async def until_done(self, count: int) -> list[Envelope]:
        async with asyncio.timeout(SECONDS):
            while len(self.done) < count:
                await asyncio.sleep(0.05)
        return self.done


@pytest.fixture
async def services(rabbitmq: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    monkeypatch.setattr(rabbitmq_module, "RETRY_DELAY_SECONDS", 0.1)
    monkeypatch.setattr(rabbitmq_module, "_MEASURE_SECONDS", 0.1)
    running = Services(rabbitmq.create_vhost())
    task = asyncio.create_task(running.bus.run())
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await running.bus.ping()
            except UnavailableError:
                await asyncio.sleep(0.05)
            else:
                break
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_parked_is_shown_and_stays(services: Services) -> None:
    sent = await services.park("first", "second")

    async with Parking.at(services.url) as parking:
        looks = [[message.envelope for message in await parking.look("api.commands")] for _ in range(3)]
        counts = await parking.counts()

    assert looks == [sent, sent, sent]
    assert {queue: count for queue, count in counts.items() if count} == {"api.commands": 2}


async def test_all_are_tried_again_once_what_failed_is_mended(services: Services) -> None:
    sent = await services.park("first", "second")
    services.is_mended = True

    async with Parking.at(services.url) as parking:
        assert await parking.replay("api.commands") == 2
        done = await services.until_done(2)
        assert await parking.look("api.commands") == []

    assert sorted(done, key=lambda envelope: envelope.id) == sorted(sent, key=lambda envelope: envelope.id)


async def test_what_fails_again_is_parked_again_after_as_many_attempts(services: Services) -> None:
    await services.park("poison")

    async with Parking.at(services.url) as parking:
        await parking.replay("api.commands")
        async with asyncio.timeout(SECONDS):
            while not await parking.look("api.commands"):
                await asyncio.sleep(0.05)


async def test_one_is_tried_again_and_the_others_stay(services: Services) -> None:
    first, second = await services.park("first", "second")
    services.is_mended = True

    async with Parking.at(services.url) as parking:
        assert await parking.replay("api.commands", str(second.id)) == 1
        assert await services.until_done(1) == [second]
        assert [message.envelope for message in await parking.look("api.commands")] == [first]


async def test_one_is_thrown_away(services: Services) -> None:
    first, second = await services.park("first", "second")

    async with Parking.at(services.url) as parking:
        assert await parking.drop("api.commands", str(first.id)) == 1
        assert await parking.drop("api.commands", str(first.id)) == 0
        assert [message.envelope for message in await parking.look("api.commands")] == [second]


async def test_what_cannot_be_read_is_shown_as_it_is(services: Services) -> None:
    connection = await aio_pika.connect(services.url)
    async with connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"?", message_id="odd"), "api.commands")

        async with Parking.at(services.url) as parking, asyncio.timeout(SECONDS):
            while not (found := await parking.look("api.commands")):
                await asyncio.sleep(0.05)

    assert [(message.id, message.envelope, message.body) for message in found] == [("odd", None, b"?")]


async def test_the_metric_says_how_many_are_parked(services: Services) -> None:
    await services.park("poison")

    async with asyncio.timeout(SECONDS):
        while PARKED_MESSAGES.labels("api.commands")._value.get() != 1:  # the library offers no other way to ask
            await asyncio.sleep(0.05)


async def test_a_broker_that_is_away_is_told_as_unavailable() -> None:
    with pytest.raises(UnavailableError):
        async with Parking.at("amqp://guest:guest@127.0.0.1:1/"):
            pass  # it does not come to this
