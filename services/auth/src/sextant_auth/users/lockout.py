"""Counts wrong passwords and locks accounts."""

from sextant_auth import audit
from sextant_auth.audit import Action, Actor
from sextant_auth.credentials.lockout_policy import Guesses, LockoutPolicy, after_failure
from sextant_auth.users import repository
from sextant_shared.clock import Clock
from sextant_shared.db import Transaction

_NOBODY = 0
"""An id that no user has: for an unknown name the same statements run, to no effect."""


class Lockout:
    """Keeps count, in the database.

    Args:
        policy: how often one may be wrong.
        clock: for the policy.
    """

    def __init__(self, policy: LockoutPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    async def count_failure(self, tx: Transaction, user_id: int | None, actor: Actor, address: str | None) -> None:
        """Count a wrong password; lock the account when it was one too many."""
        now = self._clock.now()
        counted_id = user_id or _NOBODY
        found = await repository.find_guesses(tx.session, counted_id)
        before = found or Guesses()
        after = after_failure(before, self._policy, now)
        await repository.save_guesses(tx.session, counted_id, after)
        if found is not None and after.is_locked(now) and not before.is_locked(now):
            await audit.write(tx.session, audit.Entry(actor, Action.USER_LOCKED, address=address))
