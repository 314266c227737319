"""Counts wrong passwords, locks accounts, and tells their users."""

from sextant_auth import audit
from sextant_auth.audit import Action, Actor
from sextant_auth.credentials.lockout_policy import Guesses, LockoutPolicy, after_failure
from sextant_auth.mail.post import Post
from sextant_auth.users import repository
from sextant_shared.clock import Clock
from sextant_shared.db import Transaction

_NOBODY = 0
"""An id that no user has: for an unknown name the same statements run, to no effect."""


class LockNotice:
    """Tells users that somebody goes on trying while their account is locked, whichever factor it is locked for.

    Args:
        post: takes the letters.
        clock: says whether an account is locked.
    """

    def __init__(self, post: Post, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    async def consider(self, tx: Transaction, user_id: int, before: repository.Failures, address: str | None) -> None:
        """Tell the user of an attempt, if the account was locked before it and the last letter is long ago.

        Args:
            tx: holds the account, so that two attempts at once cause one letter.
            user_id: the account.
            before: its state before the attempt.
            address: where the attempt came from.
        """
        now, until = self._clock.now(), before.guesses.locked_until
        if until is None or now >= until or not self._post.may_write_again(before.mailed_at):
            return
        await repository.note_lock_mailed(tx.session, user_id, now)
        await self._post.send(tx, user_id, self._post.letters.account_locked(before.username, until, address))


class Lockout:
    """Keeps count of wrong passwords, in the database.

    Args:
        policy: how often one may be wrong.
        notice: tells users of locks.
        clock: for the policy.
    """

    def __init__(self, policy: LockoutPolicy, notice: LockNotice, clock: Clock) -> None:
        self._policy = policy
        self._notice = notice
        self._clock = clock

    async def count_failure(self, tx: Transaction, user_id: int | None, actor: Actor, address: str | None) -> None:
        """Count a wrong password; lock the account when it was one too many."""
        now = self._clock.now()
        counted_id = user_id or _NOBODY
        found = await repository.find_failures(tx.session, counted_id)
        before = found.guesses if found is not None else Guesses()
        after = after_failure(before, self._policy, now)
        await repository.save_guesses(tx.session, counted_id, after)
        if found is None:
            return
        await self._notice.consider(tx, counted_id, found, address)
        if after.is_locked(now) and not before.is_locked(now):
            await audit.write(tx.session, audit.Entry(actor, Action.USER_LOCKED, address=address))
