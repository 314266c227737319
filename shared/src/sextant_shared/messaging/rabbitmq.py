"""The `Bus` over RabbitMQ (3.10 and newer).

One connection per process, rebuilt from nothing whenever it or one of its channels is lost: exchanges, queues,
bindings and consumers are declared again each time. aio-pika's "robust" connection is not used; it restores parts of
the state by itself and has a history of half-recovered connections, while what must be restored here is known exactly.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import orjson
import structlog
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import AMQPError
from pydantic import ValidationError
from yarl import URL

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging.bus import Handler
from sextant_shared.messaging.topology import (
    ATTEMPTS,
    COMMANDS_EXCHANGE,
    DURABLE_QUEUES,
    EVENTS_EXCHANGE,
    PARKING_SUFFIX,
    RETRY_DELAY_SECONDS,
    RETRY_SUFFIX,
    DurableQueue,
)
from sextant_shared.telemetry import BROKER_CONNECTED, MESSAGES_CONSUMED, PARKED_MESSAGES

_log = structlog.get_logger(__name__)

_HEARTBEAT_SECONDS = 10
"""A link that is cut without a word is noticed after two of these."""
_CONNECT_SECONDS = 5.0
_SET_UP_SECONDS = 30.0
_CONFIRM_SECONDS = 20.0
"""Heartbeats notice a dead broker as soon; one that is merely busy must not get its work a second time."""
_MEASURE_SECONDS = 15.0
"""How often parked messages are counted."""
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0)
_DELIVERY_LIMIT = 50
"""Redeliveries without an answer (a consumer that dies with the message in hand) before a message is parked."""
_BROADCAST_PREFETCH = 500
_ATTEMPT_HEADER = "x-sextant-attempt"

_LOST = (
    AMQPError,
    ConnectionError,
    OSError,
    TimeoutError,
    RuntimeError,
    StopAsyncIteration,
    asyncio.InvalidStateError,
)
"""What aio-pika and aiormq raise when the connection or channel is gone."""


@asynccontextmanager
async def _cancelled_when_lost() -> AsyncIterator[None]:
    """Tell a lost connection from the end of the task.

    A connection that breaks down cancels what waits for it, which looks to the waiting task as if it were told to end.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("The connection to the broker broke down") from error


class _Broadcast:
    """One exclusive queue of this process."""

    def __init__(self, handler: Handler, keys: Sequence[str], on_gap: Callable[[], Awaitable[None]] | None) -> None:
        self._handler = handler
        self._keys = set(keys)
        self._on_gap = on_gap
        self._queue: AbstractQueue | None = None
        self._gap = False

    async def bind(self, key: str) -> None:
        if key in self._keys:
            return
        self._keys.add(key)
        if self._queue is None:
            # whoever asks takes it as bound from now on, which it is not yet
            self._gap = True
        else:
            try:
                async with _cancelled_when_lost():
                    await self._queue.bind(EVENTS_EXCHANGE, key)
            except _LOST as error:
                # bound with all others when the connection is rebuilt
                _log.info("binding_postponed", key=key, reason=str(error))

    async def unbind(self, key: str) -> None:
        self._keys.discard(key)
        if self._queue is not None:
            try:
                async with _cancelled_when_lost():
                    await self._queue.unbind(EVENTS_EXCHANGE, key)
            except _LOST as error:
                _log.info("unbinding_postponed", key=key, reason=str(error))

    async def start(self, channel: AbstractChannel) -> None:
        await channel.set_qos(prefetch_count=_BROADCAST_PREFETCH)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True, durable=False)
        for key in list(self._keys):
            await queue.bind(EVENTS_EXCHANGE, key)
        self._queue = queue
        await queue.consume(self._take, exclusive=True)
        if self._gap and self._on_gap is not None:
            await self._on_gap()
        self._gap = False

    def stop(self) -> None:
        if self._queue is not None:
            self._queue = None
            self._gap = True

    async def _take(self, message: AbstractIncomingMessage) -> None:
        envelope = _read(message)
        if envelope is not None:
            try:
                await self._handler(envelope)
            except Exception:  # noqa: BLE001 - whatever a handler raises concerns this message alone
                _log.exception("broadcast_handler_failed", type=envelope.type, event_id=str(envelope.id))
        await message.ack()


class RabbitMqBus:
    """See the module; implements `Bus`.

    Args:
        url: `amqp://user:password@host:port/vhost`.
        service: for the names of the connection and the metrics.
    """

    def __init__(self, url: str, *, service: str) -> None:
        self._url = URL(url).update_query(heartbeat=_HEARTBEAT_SECONDS)
        self._service = service
        self._consumers: list[tuple[DurableQueue, Handler]] = []
        self._broadcasts: list[_Broadcast] = []
        self._connection: AbstractConnection | None = None
        self._serving = False
        self._events: AbstractExchange | None = None
        self._commands: AbstractExchange | None = None
        self._lost = asyncio.Event()

    def consume(self, queue: DurableQueue, handler: Handler) -> None:
        """Take messages from a durable queue."""
        self._consumers.append((queue, handler))

    def broadcast(
        self,
        handler: Handler,
        *,
        keys: Sequence[str] = (),
        on_gap: Callable[[], Awaitable[None]] | None = None,
    ) -> _Broadcast:
        """Hear events."""
        subscriber = _Broadcast(handler, keys, on_gap)
        self._broadcasts.append(subscriber)
        return subscriber

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Publish facts; one that no queue is bound for counts as published: nobody is interested."""
        await self._publish(self._events, [(envelope.routing_key, envelope) for envelope in envelopes])

    async def send(self, queue: DurableQueue, envelope: Envelope) -> None:
        """Send a command."""
        returned = await self._publish(self._commands, [(queue.name, envelope)])
        if returned:
            raise UnavailableError(f"The broker has no queue {queue.name}")

    async def ping(self) -> None:
        """Check that the connection stands and all consumers are set up."""
        if not self._serving or self._lost.is_set():
            raise UnavailableError("The message broker is not available at the moment")

    async def parked(self, queue: DurableQueue) -> int:
        """Count the messages that were given up on."""
        await self.ping()
        if self._connection is None:
            raise UnavailableError("The message broker is not available at the moment")
        try:
            async with _cancelled_when_lost(), self._connection.channel() as channel:
                parking = await channel.declare_queue(queue.name + PARKING_SUFFIX, passive=True)
                return parking.declaration_result.message_count or 0
        except _LOST as error:
            raise UnavailableError("The message broker is not available at the moment") from error

    async def run(self) -> None:
        """Keep the connection and the consumers going until cancelled."""
        failures = 0
        while True:
            try:
                await self._serve()
                failures = 0
            except _LOST as error:
                _log.warning("broker_unreachable", reason=str(error) or type(error).__name__)
                failures += 1
            except Exception:  # noqa: BLE001 - the libraries let out what they please when a connection breaks down
                _log.exception("broker_connection_failed")
                failures += 1
            finally:
                await self._forget_connection()
            await asyncio.sleep(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)])

    async def _serve(self) -> None:
        """Connect, set everything up, and return when the connection is lost."""
        self._lost = asyncio.Event()
        async with _cancelled_when_lost():
            connection = await aio_pika.connect(
                self._url,
                timeout=_CONNECT_SECONDS,
                client_properties={"connection_name": f"sextant-{self._service}"},
            )
        self._connection = connection
        connection.close_callbacks.add(self._note_loss)
        async with asyncio.timeout(_SET_UP_SECONDS), _cancelled_when_lost():
            publisher = await self._open_channel(connection)
            self._events, self._commands = await declare_topology(publisher)
            for subscriber in self._broadcasts:
                await subscriber.start(await self._open_channel(connection))
            for queue, handler in self._consumers:
                await self._start_consumer(await self._open_channel(connection), queue, handler)
        self._serving = True
        BROKER_CONNECTED.labels(self._service).set(1)
        _log.info("broker_connected")
        while not await self._is_lost_within(_MEASURE_SECONDS):
            await self._measure()
        _log.warning("broker_connection_lost")

    async def _measure(self) -> None:
        for queue, _handler in self._consumers:
            try:
                PARKED_MESSAGES.labels(queue.name).set(await self.parked(queue))
            except UnavailableError as error:
                _log.info("parked_messages_not_counted", queue=queue.name, reason=error.msg)

    async def _is_lost_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        except TimeoutError:
            return False
        return True

    async def _open_channel(self, connection: AbstractConnection) -> AbstractChannel:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=False)
        channel.close_callbacks.add(self._note_loss)
        return channel

    def _note_loss(self, *_args: object) -> None:
        self._lost.set()

    async def _forget_connection(self) -> None:
        BROKER_CONNECTED.labels(self._service).set(0)
        connection, self._connection = self._connection, None
        self._serving = False
        self._events = self._commands = None
        for subscriber in self._broadcasts:
            subscriber.stop()
        if connection is not None:
            connection.close_callbacks.discard(self._note_loss)
            try:
                async with asyncio.timeout(1), _cancelled_when_lost():
                    await connection.close()
            except _LOST:
                _log.debug("broker_connection_closed_unclean")

    async def _publish(
        self, exchange: AbstractExchange | None, messages: Sequence[tuple[str, Envelope]]
    ) -> list[Envelope]:
        """Publish and wait for the confirms; returns what no queue was bound for."""
        if exchange is None or self._lost.is_set():
            raise UnavailableError("The message broker is not available at the moment")
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS), _cancelled_when_lost():
                results = await self._confirmed(exchange, messages)
        except _LOST as error:
            # After a time-out nothing is known about the channel's state: start over with a new connection.
            self._lost.set()
            raise UnavailableError("The message broker did not confirm in time") from error
        return [
            envelope
            for (_key, envelope), result in zip(messages, results, strict=True)
            if isinstance(result, DeliveredMessage)
        ]

    async def _confirmed(
        self, exchange: AbstractExchange, messages: Sequence[tuple[str, Envelope]]
    ) -> Sequence[object]:
        """Publish, and return what the broker says to each, unless the connection is lost before."""
        # The channel's lock is fair, so they go out in this order; only the confirms are awaited together.
        results: asyncio.Future[Any] = asyncio.gather(
            *(exchange.publish(_message(envelope), key, mandatory=True) for key, envelope in messages)
        )
        lost: asyncio.Future[Any] = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait((results, lost), return_when=asyncio.FIRST_COMPLETED)
            if not results.done():
                raise ConnectionError("The connection was lost before the broker confirmed")
            confirmed: Sequence[object] = results.result()
            return confirmed
        finally:
            lost.cancel()
            results.cancel()

    async def _start_consumer(self, channel: AbstractChannel, queue: DurableQueue, handler: Handler) -> None:
        await channel.set_qos(prefetch_count=queue.prefetch)
        declared = await channel.get_queue(queue.name)

        async def take(message: AbstractIncomingMessage) -> None:
            await self._take(channel, queue, handler, message)

        await declared.consume(take)

    async def _take(
        self,
        channel: AbstractChannel,
        queue: DurableQueue,
        handler: Handler,
        message: AbstractIncomingMessage,
    ) -> None:
        envelope = _read(message)
        try:
            if envelope is None:
                await _set_aside(channel, queue.name + PARKING_SUFFIX, message, attempt=0)
                MESSAGES_CONSUMED.labels(queue.name, "unreadable", "parked").inc()
            else:
                await self._handle(channel, queue, handler, message, envelope)
            await message.ack()
        except _LOST:
            # The broker gives the message to someone else once it notices; the handler is idempotent.
            self._lost.set()

    async def _handle(
        self,
        channel: AbstractChannel,
        queue: DurableQueue,
        handler: Handler,
        message: AbstractIncomingMessage,
        envelope: Envelope,
    ) -> None:
        try:
            await handler(envelope)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises concerns this message alone
            attempt = int(str((message.headers or {}).get(_ATTEMPT_HEADER, 0)))
            # A database that is away says nothing against the message: only other failures count.
            attempt += not isinstance(error, UnavailableError)
            park = attempt >= ATTEMPTS
            _log.exception(
                "message_parked" if park else "message_failed",
                queue=queue.name,
                type=envelope.type,
                message_id=str(envelope.id),
                attempt=attempt,
            )
            await _set_aside(
                channel,
                queue.name + (PARKING_SUFFIX if park else RETRY_SUFFIX),
                message,
                attempt=attempt,
            )
            MESSAGES_CONSUMED.labels(queue.name, envelope.type, "parked" if park else "failed").inc()
        else:
            MESSAGES_CONSUMED.labels(queue.name, envelope.type, "done").inc()


async def declare_topology(channel: AbstractChannel) -> tuple[AbstractExchange, AbstractExchange]:
    """Declare all exchanges, durable queues and bindings; returns the exchanges for events and commands."""
    events = await channel.declare_exchange(EVENTS_EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    commands = await channel.declare_exchange(COMMANDS_EXCHANGE, aio_pika.ExchangeType.DIRECT, durable=True)
    for queue in DURABLE_QUEUES:
        parking = queue.name + PARKING_SUFFIX
        await channel.declare_queue(parking, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.declare_queue(
            queue.name + RETRY_SUFFIX,
            durable=True,
            arguments=_dead_letter_to(queue.name) | {"x-message-ttl": int(RETRY_DELAY_SECONDS * 1000)},
        )
        declared = await channel.declare_queue(
            queue.name,
            durable=True,
            arguments=_dead_letter_to(parking) | {"x-delivery-limit": _DELIVERY_LIMIT},
        )
        for key in queue.events:
            await declared.bind(events, key)
        if queue.takes_commands:
            await declared.bind(commands, queue.name)
    return events, commands


def _dead_letter_to(target: str) -> dict[str, Any]:
    """Arguments of a quorum queue whose dead messages reach `target` at least once."""
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": target,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _message(envelope: Envelope) -> aio_pika.Message:
    return aio_pika.Message(
        orjson.dumps(envelope.model_dump(mode="json")),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(envelope.id),
        type=envelope.type,
        app_id=envelope.source,
        timestamp=envelope.time,
    )


def _read(message: AbstractIncomingMessage) -> Envelope | None:
    try:
        return Envelope.model_validate_json(message.body)
    except ValidationError:
        _log.exception("message_unreadable", message_id=message.message_id)
        return None


async def _set_aside(channel: AbstractChannel, queue: str, message: AbstractIncomingMessage, *, attempt: int) -> None:
    """Copy a message to a queue beside its own; the caller acknowledges the original afterwards."""
    copy = aio_pika.Message(
        message.body,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.type,
        headers={_ATTEMPT_HEADER: attempt},
    )
    await channel.default_exchange.publish(copy, queue, mandatory=True)
