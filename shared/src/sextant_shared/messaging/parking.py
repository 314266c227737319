"""Looks into the parking queues of RabbitMQ, where messages lie that were given up on, and takes them out again.

For operators, beside running services. A message that is looked at goes to the end of its queue: a copy is confirmed
before the original is acknowledged, so that a look that is cut off leaves one too many, never one too few. (Giving it
back instead would count as a failed delivery, and a newer RabbitMQ drops a message after twenty of these.)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity
from pydantic import ValidationError

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging.topology import DURABLE_QUEUES, PARKING_SUFFIX

_CONNECT_SECONDS = 5.0


class ParkedMessage(NamedTuple):
    """One message that was given up on.

    Attributes:
        id: of the message; by this it is named.
        envelope: what it says, or None if that cannot be read.
        body: as it lies there.
    """

    id: str
    envelope: Envelope | None
    body: bytes


class Parking:
    """The parking queues. Made by `Parking.at`."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator[Self]:
        """Connect for the time of a block.

        Args:
            url: `amqp://user:password@host:port/vhost`.

        Raises:
            UnavailableError: the broker cannot be reached, or is lost meanwhile.
        """
        try:
            connection = await aio_pika.connect(url, timeout=_CONNECT_SECONDS)
            async with connection:
                yield cls(await connection.channel(publisher_confirms=True))
        except (AMQPError, OSError, TimeoutError) as error:
            raise UnavailableError(f"The message broker is not available: {error}") from error

    async def counts(self) -> dict[str, int]:
        """Count the messages by the name of the queue that they were in."""
        return {queue.name: await self._count(queue.name) for queue in DURABLE_QUEUES}

    async def look(self, queue: str) -> list[ParkedMessage]:
        """List what lies there, the oldest first."""
        seen: list[ParkedMessage] = []

        def note(message: ParkedMessage) -> bool:
            seen.append(message)
            return False

        await self._go_through(queue, note)
        return seen

    async def replay(self, queue: str, message_id: str | None = None) -> int:
        """Put messages into their queue again, as if they were new; returns how many.

        Args:
            queue: that they were in.
            message_id: of the only one; all if None.
        """
        return await self._go_through(queue, lambda message: message_id in (None, message.id), back_into=queue)

    async def drop(self, queue: str, message_id: str) -> int:
        """Throw a message away; returns how many there were of this id."""
        return await self._go_through(queue, lambda message: message_id == message.id)

    async def _go_through(
        self, queue: str, takes: Callable[[ParkedMessage], bool], *, back_into: str | None = None
    ) -> int:
        """Go once through all that lies there; what `takes` picks is taken out. Returns how many that were."""
        name, taken = queue + PARKING_SUFFIX, 0
        parking = await self._channel.get_queue(name, ensure=False)
        for _ in range(await self._count(queue)):
            message = await parking.get(fail=False)
            if message is None:  # somebody else takes out, too
                break
            if takes(_read(message)):
                taken += 1
                target = back_into
            else:
                target = name
            if target is not None:
                copy = aio_pika.Message(
                    message.body,
                    content_type=message.content_type,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    message_id=message.message_id,
                    type=message.type,
                )
                await self._channel.default_exchange.publish(copy, target, mandatory=True)
            await message.ack()
        return taken

    async def _count(self, queue: str) -> int:
        try:
            declared = await self._channel.declare_queue(queue + PARKING_SUFFIX, passive=True)
        except ChannelNotFoundEntity as error:
            raise UnavailableError(f"The broker has no queue {queue}: has no service been connected yet?") from error
        return declared.declaration_result.message_count or 0


def _read(message: AbstractIncomingMessage) -> ParkedMessage:
    try:
        envelope = Envelope.model_validate_json(message.body)
    except ValidationError:
        return ParkedMessage(message.message_id or "", None, message.body)
    return ParkedMessage(str(envelope.id), envelope, message.body)
