"""A connection of which nobody knows yet who it is."""

from collections.abc import Sequence
from typing import Any

from sextant_relay.inbound import Refusal, RefusedEventError

_HELD_EVENTS = 64


class Unidentified:
    """Keeps what is said until it is known by whom: judging a token may have to wait for auth."""

    def __init__(self) -> None:
        self._held: list[tuple[str, tuple[Any, ...]]] = []

    def hold(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Keep an event for later.

        Raises:
            RefusedEventError: there are too many already.
        """
        if len(self._held) >= _HELD_EVENTS:
            raise RefusedEventError(Refusal.TOO_MANY)
        self._held.append((event, arguments))

    def release(self) -> Sequence[tuple[str, tuple[Any, ...]]]:
        """Give back what was kept, in the order in which it came."""
        held, self._held = self._held, []
        return held
