"""Takes commands and events from a queue to the handler that its noun has for them.

Handlers stand in the `consumers` module of their noun, as a mapping from the type of a message to a coroutine; here
they are only put together. A handler notes the message in the inbox in the transaction of its effect.
"""

from collections.abc import Mapping

from structlog.contextvars import bound_contextvars

from sextant_shared.contract.messages import Envelope
from sextant_shared.messaging import Handler


class Dispatcher:
    """One queue's handlers.

    Args:
        handlers: of several nouns; no type may have two.
    """

    def __init__(self, *handlers: Mapping[str, Handler]) -> None:
        self._handlers: dict[str, Handler] = {}
        for mapping in handlers:
            doubled = self._handlers.keys() & mapping.keys()
            if doubled:
                raise ValueError(f"two handlers for {sorted(doubled)}")
            self._handlers.update(mapping)

    async def __call__(self, envelope: Envelope) -> None:
        """Act upon one message.

        Raises:
            LookupError: nobody handles its type, so it is to be parked.
        """
        handler = self._handlers.get(envelope.type)
        if handler is None:
            raise LookupError(f"nobody handles {envelope.type}")
        with bound_contextvars(request_id=envelope.request_id, message_id=str(envelope.id)):
            await handler(envelope)
