"""Hands on what passes the broker: every message several times, or messages in another order.

A test's own AMQP connection, straight to the broker. It must not know what messages say.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage, AbstractQueue

from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging.topology import (
    COMMANDS_EXCHANGE,
    DURABLE_QUEUES,
    EVENTS_EXCHANGE,
    PARKING_SUFFIX,
    DurableQueue,
)

_COPY = "x-test-copy"


class Duplicator:
    """Publishes everything once more for each of its copies.

    Attributes:
        copied: how many messages.
    """

    def __init__(self, channel: AbstractChannel, copies: int) -> None:
        self.copied = 0
        self._channel = channel
        self._copies = copies

    async def start(self) -> None:
        """Begin to listen."""
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS_EXCHANGE, "#")
        for durable in DURABLE_QUEUES:
            if durable.takes_commands:
                await queue.bind(COMMANDS_EXCHANGE, durable.name)
        await queue.consume(self._take, no_ack=True)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if _COPY in message.headers:
            return
        self.copied += 1
        exchange = await self._channel.get_exchange(message.exchange or "", ensure=False)
        for _ in range(self._copies):
            await exchange.publish(_again(message), message.routing_key or "", mandatory=False)


class Detour:
    """Takes messages in place of a durable queue, and gives them to it when and in what order it is told.

    Attributes:
        waiting: what was taken and not yet given.
    """

    def __init__(self, channel: AbstractChannel, queue: DurableQueue) -> None:
        self.waiting: list[AbstractIncomingMessage] = []
        self._channel = channel
        self._durable = queue
        self._bindings = [(EVENTS_EXCHANGE, key) for key in queue.events]
        if queue.takes_commands:
            self._bindings.append((COMMANDS_EXCHANGE, queue.name))
        self._queue: AbstractQueue
        self._default: AbstractExchange = channel.default_exchange

    def types(self) -> list[str]:
        """What waits, by type."""
        return [message.type or "" for message in self.waiting]

    async def start(self) -> None:
        """Turn messages aside from now on."""
        own = await self._channel.declare_queue(exclusive=True)
        self._queue = await self._channel.get_queue(self._durable.name)
        for exchange, key in self._bindings:
            await own.bind(exchange, key)
            await self._queue.unbind(exchange, key)
        await own.consume(self._take, no_ack=True)

    async def end(self) -> None:
        """Let messages go straight again, what waits first."""
        for exchange, key in self._bindings:
            await self._queue.bind(exchange, key)
        await self.give(self.waiting)

    async def give(self, messages: list[AbstractIncomingMessage]) -> None:
        """Let the queue have these, in this order."""
        for message in list(messages):
            await self._default.publish(_again(message), self._durable.name)
            self.waiting.remove(message)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.waiting.append(message)


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel for a while."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield channel


@asynccontextmanager
async def duplicated(url: str, copies: int) -> AsyncIterator[Duplicator]:
    """Let every message come so many times more."""
    async with channel_to(url) as channel:
        made = Duplicator(channel, copies)
        await made.start()
        yield made


@asynccontextmanager
async def turned_aside(url: str, queue: DurableQueue) -> AsyncIterator[Detour]:
    """Keep the messages of a queue for a while."""
    async with channel_to(url) as channel:
        made = Detour(channel, queue)
        await made.start()
        try:
            yield made
        finally:
            await made.end()


async def send(url: str, queue: DurableQueue, body: bytes) -> None:
    """Put a message into a queue, whatever it is."""
    async with channel_to(url) as channel:
        await channel.default_exchange.publish(aio_pika.Message(body), queue.name)


async def send_command(url: str, queue: DurableQueue, envelope: Envelope) -> None:
    """Put a command into a queue, as relay would."""
    await send(url, queue, envelope.model_dump_json().encode())


async def parked(url: str, queue: DurableQueue) -> int:
    """Count what was given up on."""
    async with channel_to(url) as channel:
        declared = await channel.declare_queue(queue.name + PARKING_SUFFIX, passive=True)
        return declared.declaration_result.message_count or 0


def _again(message: AbstractIncomingMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers={_COPY: "1"},
        content_type=message.content_type,
        delivery_mode=message.delivery_mode,
        message_id=message.message_id,
        type=message.type,
        app_id=message.app_id,
        timestamp=message.timestamp,
    )
