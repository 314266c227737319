"""The `Bus` port: what services may ask of the broker, and what they may rely on.

* `publish` and `send` return only when the message is safe with the bus; otherwise they raise, and the caller
  still has it (in its outbox, or on the socket it came from).
* A durable queue delivers at least once, several at a time and in no promised order; a handler that raises sees the
  message again after a delay and, after some attempts, finds it parked.
* A broadcast delivers to each replica at most once; `on_gap` tells it that it may have missed some.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging.topology import DurableQueue

Handler = Callable[[Envelope], Awaitable[None]]
"""Acts upon one message. Returning acknowledges it, so commit first; raising asks for another try."""


class Broadcast(Protocol):
    """One replica's own, exclusive view of the events, bound to what it wants to hear."""

    async def bind(self, key: str) -> None:
        """Also hear events that match `key`. Remembered over reconnects; binding twice is harmless.

        Returns once it takes effect, or at once while the broker is away.
        """
        ...

    async def unbind(self, key: str) -> None:
        """Stop hearing events that match `key`."""
        ...


class Bus(Protocol):
    """A connection to the broker, for one process."""

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Publish facts, in this order.

        Raises:
            UnavailableError: not all were confirmed; publish them again.
        """
        ...

    async def send(self, queue: DurableQueue, envelope: Envelope) -> None:
        """Send a command to a service's queue.

        Raises:
            UnavailableError: it was not confirmed.
        """
        ...

    def consume(self, queue: DurableQueue, handler: Handler) -> None:
        """Take messages from a durable queue, once `run` runs. To be called before."""
        ...

    def broadcast(
        self,
        handler: Handler,
        *,
        keys: Sequence[str] = (),
        on_gap: Callable[[], Awaitable[None]] | None = None,
    ) -> Broadcast:
        """Hear events, each replica for itself, once `run` runs. To be called before.

        Args:
            handler: called for one event after the other; what it raises is logged.
            keys: first bindings.
            on_gap: called after a reconnect, when events may have been missed, and after the first connect if a
                binding was asked for before it.
        """
        ...

    async def run(self) -> None:
        """Keep the connection and the consumers going until cancelled."""
        ...

    async def ping(self) -> None:
        """Check that the broker is there.

        Raises:
            UnavailableError: it is not.
        """
        ...

    async def parked(self, queue: DurableQueue) -> int:
        """Count the messages that were given up on.

        Raises:
            UnavailableError: the broker is away.
        """
        ...
