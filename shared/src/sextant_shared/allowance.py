"""How much somebody may do in a time."""

from collections.abc import Callable


class Allowance:
    """A bucket of tokens that fills by the second; each event takes one.

    Args:
        per_second: how fast it fills.
        burst: how much it holds.
        monotonic: seconds that only ever grow.
    """

    def __init__(self, *, per_second: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._left = burst
        self._counted_at = monotonic()

    def take(self) -> bool:
        """Take one token, if there is one."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
