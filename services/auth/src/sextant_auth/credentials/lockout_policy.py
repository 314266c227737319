"""When guessing locks an account. Pure: the time is given.

Attempts while an account is locked neither count nor prolong the lock, or anybody could lock anybody out for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class LockoutPolicy:
    """How many wrong guesses in a row are one too many, and what follows."""

    max_failures: int
    locked_for: timedelta


@dataclass(frozen=True)
class Guesses:
    """The state of one factor of one account."""

    failures: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Whether even the right answer is refused."""
        return self.locked_until is not None and now < self.locked_until


def after_failure(guesses: Guesses, policy: LockoutPolicy, now: datetime) -> Guesses:
    """Count a wrong guess."""
    if guesses.is_locked(now):
        return guesses
    failures = 1 if guesses.locked_until is not None else guesses.failures + 1
    if failures >= policy.max_failures:
        return Guesses(failures, now + policy.locked_for)
    return Guesses(failures)
