"""The second factor of a user's login: offered at first, proven once, then asked for each time.

A secret is *pending* from when it is shown until a code made with it proves that it arrived, so a set-up that was
interrupted locks nobody out. Wrong codes are counted apart from wrong passwords and lock in the same way; only a
complete login forgets either.
"""

from dataclasses import dataclass
from datetime import datetime

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials import totp
from sextant_auth.credentials.lockout_policy import LockoutPolicy, after_failure
from sextant_auth.secret_box import SecretBox
from sextant_auth.users import repository
from sextant_auth.users.lockout import LockNotice
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnauthenticatedError
from sextant_shared.db import Transaction


class WrongCodeError(UnauthenticatedError):
    """The code is not the one of now, was used already, or there were too many wrong ones."""

    code = "wrong_mfa_code"

    def __init__(self) -> None:
        super().__init__("This code of the second factor is not valid")


@dataclass(frozen=True)
class Offered:
    """A second factor to be set up."""

    secret: str
    uri: str


@dataclass(frozen=True)
class Asked:
    """A code is needed."""


@dataclass(frozen=True)
class Proven:
    """The code is right."""


class SecondFactor:
    """Asks for codes and checks them.

    Args:
        box: opens and seals secrets.
        policy: how often one may be wrong.
        notice: tells users of locks.
        issuer: the name under which authenticator applications show us.
        clock: for codes and locks.
    """

    def __init__(self, box: SecretBox, policy: LockoutPolicy, notice: LockNotice, *, issuer: str, clock: Clock) -> None:
        self._box = box
        self._policy = policy
        self._notice = notice
        self._issuer = issuer
        self._clock = clock

    async def check(
        self, tx: Transaction, account: repository.Account, code: str | None, *, address: str | None
    ) -> Offered | Asked | Proven:
        """Judge the second factor of an account whose password was right.

        Raises:
            RefusedError: the code is wrong.
        """
        now = self._clock.now()
        state = await repository.find_second_factor(tx.session, account.id)
        actor = Actor(ClientType.USER, account.id, account.username)
        secret = self._opened(account.id, state.secret_sealed)
        pending = self._opened(account.id, state.pending_sealed) if secret is None else None
        if not code:
            return Asked() if secret is not None else await self._offer(tx, account, actor, pending)
        if secret is None and pending is None:
            return await self._offer(tx, account, actor, None)
        step = totp.accepted_step(secret or pending or "", code, last_step=state.last_step, now=now)
        if step is None or state.guesses.is_locked(now):
            raise self._refused(account.id, actor, now, address)
        await repository.prove_second_factor(tx.session, account.id, step)
        if pending is not None:
            await audit.write(tx.session, audit.Entry(actor, Action.SECOND_FACTOR_ENABLED, address=address))
        return Proven()

    async def renew(self, tx: Transaction, user_id: int, username: str) -> tuple[Offered, int] | None:
        """Replace the secret of a user who lost it, and who has shown to be the user in other ways.

        It is not pending: were it, the password alone would show it again until its first code.

        Returns:
            The new one and the user's new version; None if the user is gone.
        """
        secret = totp.new_otp_secret()
        sealed = self._box.seal(secret, name=_name(user_id))
        version = await repository.renew_second_factor(tx.session, user_id, sealed=sealed, now=self._clock.now())
        return (self._offered(secret, username), version) if version is not None else None

    async def _offer(self, tx: Transaction, account: repository.Account, actor: Actor, pending: str | None) -> Offered:
        secret = pending or totp.new_otp_secret()
        if pending is None:
            sealed = self._box.seal(secret, name=_name(account.id))
            await repository.offer_second_factor(tx.session, account.id, sealed)
            await audit.write(tx.session, audit.Entry(actor, Action.SECOND_FACTOR_OFFERED))
        return self._offered(secret, account.username)

    def _offered(self, secret: str, username: str) -> Offered:
        return Offered(secret, totp.provisioning_uri(secret, username=username, issuer=self._issuer))

    def _opened(self, user_id: int, sealed: str | None) -> str | None:
        return None if sealed is None else self._box.open(sealed, name=_name(user_id))

    def _refused(self, user_id: int, actor: Actor, now: datetime, address: str | None) -> RefusedError:
        entry = audit.Entry(actor, Action.USER_LOGGED_IN, Outcome.REFUSED, reason="wrong_code", address=address)

        async def count(tx: Transaction) -> None:
            found = await repository.find_code_failures(tx.session, user_id)
            if found is None:
                return
            before, after = found.guesses, after_failure(found.guesses, self._policy, now)
            await repository.save_code_guesses(tx.session, user_id, after)
            await self._notice.consider(tx, user_id, found, address)
            if after.is_locked(now) and not before.is_locked(now):
                await audit.write(tx.session, audit.Entry(actor, Action.SECOND_FACTOR_LOCKED, address=address))

        return RefusedError(WrongCodeError(), entry, count)


def _name(user_id: int) -> str:
    return f"second-factor:{user_id}"
