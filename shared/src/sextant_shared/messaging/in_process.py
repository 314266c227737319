"""The `Bus` inside one process: the same promises, without a broker.

Confirmed means *handled*: `publish` and `send` return when every durable consumer has acknowledged or parked the
message. Whoever publishes from an outbox therefore loses nothing when the process is killed in between: the row is
still there at the next start. Parked messages are kept in memory and logged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging.bus import Handler
from sextant_shared.messaging.topology import ATTEMPTS, DURABLE_QUEUES, DurableQueue, key_matches
from sextant_shared.telemetry import MESSAGES_CONSUMED, PARKED_MESSAGES

_log = structlog.get_logger(__name__)

_BROADCAST_BACKLOG = 10_000
_FIRST_RETRY_SECONDS = 0.1


class _Broadcast:
    """One subscriber of the in-process bus."""

    def __init__(self, handler: Handler, keys: Sequence[str], on_gap: Callable[[], Awaitable[None]] | None) -> None:
        self._handler = handler
        self._keys = set(keys)
        self._on_gap = on_gap
        self._waiting: asyncio.Queue[Envelope] = asyncio.Queue(_BROADCAST_BACKLOG)
        self._missed = False

    async def bind(self, key: str) -> None:
        self._keys.add(key)

    async def unbind(self, key: str) -> None:
        self._keys.discard(key)

    def offer(self, envelope: Envelope) -> None:
        if not any(key_matches(key, envelope.routing_key) for key in self._keys):
            return
        try:
            self._waiting.put_nowait(envelope)
        except asyncio.QueueFull:
            self._missed = True

    async def run(self) -> None:
        while True:
            envelope = await self._waiting.get()
            try:
                await self._handler(envelope)
            except Exception:  # noqa: BLE001 - whatever a handler raises concerns this message alone
                _log.exception("broadcast_handler_failed", type=envelope.type, event_id=str(envelope.id))
            if self._missed and self._on_gap is not None and self._waiting.empty():
                self._missed = False
                await self._on_gap()


class InProcessBus:
    """See the module; implements `Bus`."""

    def __init__(self, *, retry_seconds: float = _FIRST_RETRY_SECONDS) -> None:
        self._retry_seconds = retry_seconds
        self._consumers: dict[str, Handler] = {}
        self._broadcasts: list[_Broadcast] = []
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._parked: dict[str, list[Envelope]] = {}

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Publish facts; returns when all durable consumers are done with them."""
        for envelope in envelopes:
            for subscriber in self._broadcasts:
                subscriber.offer(envelope)
            for queue in DURABLE_QUEUES:
                if any(key_matches(key, envelope.routing_key) for key in queue.events):
                    await self._deliver(queue, envelope)

    async def send(self, queue: DurableQueue, envelope: Envelope) -> None:
        """Send a command; returns when it is acted upon."""
        await self._deliver(queue, envelope)

    def consume(self, queue: DurableQueue, handler: Handler) -> None:
        """Take messages from a durable queue."""
        self._consumers[queue.name] = handler
        self._limits[queue.name] = asyncio.Semaphore(queue.prefetch)

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

    async def run(self) -> None:
        """Serve the broadcasts until cancelled."""
        async with asyncio.TaskGroup() as group:
            for subscriber in self._broadcasts:
                group.create_task(subscriber.run())
            group.create_task(asyncio.Event().wait())

    async def ping(self) -> None:
        """The process is its own broker, so it is there."""

    async def parked(self, queue: DurableQueue) -> int:
        """Count the messages that were given up on."""
        return len(self._parked.get(queue.name, ()))

    async def _deliver(self, queue: DurableQueue, envelope: Envelope) -> None:
        handler = self._consumers.get(queue.name)
        if handler is None:
            # No service of this process consumes the queue: what would lie in it for ever is not kept.
            return
        async with self._limits[queue.name]:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    await handler(envelope)
                except UnavailableError:
                    # The database is away, which says nothing against the message: whoever sent it still has it.
                    raise
                except Exception:  # noqa: BLE001 - whatever a handler raises concerns this message alone
                    _log.exception("message_failed", queue=queue.name, type=envelope.type, attempt=attempt)
                    MESSAGES_CONSUMED.labels(queue.name, envelope.type, "failed").inc()
                    await asyncio.sleep(self._retry_seconds * attempt)
                else:
                    MESSAGES_CONSUMED.labels(queue.name, envelope.type, "done").inc()
                    return
        MESSAGES_CONSUMED.labels(queue.name, envelope.type, "parked").inc()
        _log.error("message_parked", queue=queue.name, type=envelope.type, message_id=str(envelope.id))
        parked = self._parked.setdefault(queue.name, [])
        parked.append(envelope)
        PARKED_MESSAGES.labels(queue.name).set(len(parked))
