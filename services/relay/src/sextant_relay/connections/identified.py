"""A connection of a known principal."""

import time
from collections.abc import Callable
from typing import Any

from sextant_relay.inbound import Refusal, RefusedEventError, translate
from sextant_shared.allowance import Allowance
from sextant_shared.contract import socket_events
from sextant_shared.contract.commands import Command
from sextant_shared.security import Principal

_LOG_LINES_PER_SECOND = 2000
_LOG_LINES_BURST = 10_000
_OTHERS_PER_SECOND = 50
_OTHERS_BURST = 500


class Identified:
    """Turns what its principal says into commands in that principal's name, as far as it may say so much.

    Attributes:
        principal: as of the last time it was looked at.
    """

    def __init__(self, principal: Principal, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.principal = principal
        self._log_lines = Allowance(per_second=_LOG_LINES_PER_SECOND, burst=_LOG_LINES_BURST, monotonic=monotonic)
        self._others = Allowance(per_second=_OTHERS_PER_SECOND, burst=_OTHERS_BURST, monotonic=monotonic)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> Command | None:
        """Turn an event into a command, if it asks for one.

        Raises:
            RefusedEventError: it may not be said, cannot be read, or comes too fast.
        """
        allowance = self._log_lines if event == socket_events.ALGORITHM_LOG else self._others
        if not allowance.take():
            raise RefusedEventError(Refusal.TOO_FAST)
        return translate(event, arguments, speaker=self.principal)
