"""Gives users their accounts back, who show by a mailed token that they read the account's mail.

* Whether there is an account nobody learns: an answer is the same, and so is what it costs.
* A password that was reset is half of a login like any other: the second factor stays as it was.
* A second factor is only mailed about to who gave the password.
* Whoever may have been inside is put out: logins end, older tokens are refused, and the user is told.
"""

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.mail.post import Post
from sextant_auth.recovery import repository
from sextant_auth.recovery.tokens import InvalidResetTokenError, Purpose, RecoveryTokens
from sextant_auth.tokens import repository as families
from sextant_auth.users import repository as accounts
from sextant_auth.users.password_login import PasswordAsks, PasswordLogin, ProvenUser
from sextant_auth.users.second_factor import Offered, SecondFactor
from sextant_auth.users.service import tell
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Transaction

_NOBODY = 0
"""An id that no user has: for an unknown name the same statements run, to no effect."""


def _refused(action: Action, address: str | None) -> RefusedError:
    entry = audit.Entry(Actor(ClientType.USER), action, Outcome.REFUSED, reason="invalid_reset_token", address=address)
    return RefusedError(InvalidResetTokenError(), entry)


class PasswordRecovery:
    """The way to a new password.

    Args:
        tokens: what is mailed.
        post: takes the letters.
        hasher: hashes new passwords.
        clock: says when.
    """

    def __init__(self, tokens: RecoveryTokens, post: Post, hasher: PasswordHasher, clock: Clock) -> None:
        self._tokens = tokens
        self._post = post
        self._hasher = hasher
        self._clock = clock

    async def ask(self, tx: Transaction, *, username: str, email: str, address: str | None) -> None:
        """Mail a token to whoever has this name, or where none is given this mail address, if there is anybody.

        Args:
            tx: where all this happens.
            username: may be empty.
            email: may be empty.
            address: where the request came from.
        """
        if username:
            account = await repository.hold_by_name(tx.session, username)
        else:
            account = await repository.hold_by_email(tx.session, email)
        is_due = account is not None and self._post.may_write_again(account.mailed_at)
        user_id = account.id if account is not None and is_due else _NOBODY
        name = account.username if account is not None else username
        token = await self._tokens.issue(tx, user_id, Purpose.PASSWORD)
        await repository.note_password_mailed(tx.session, user_id, self._clock.now())
        letter = self._post.letters.password_recovery(name, token, self._tokens.valid_for)
        await self._post.send(tx, user_id, letter, kept=self._tokens.valid_for)
        await audit.write(
            tx.session,
            audit.Entry(
                Actor(ClientType.USER, account.id if account is not None else None, name or email),
                Action.PASSWORD_RECOVERY_ASKED,
                Outcome.DONE if is_due else Outcome.REFUSED,
                reason=None if is_due else "unknown_user" if account is None else "too_soon",
                address=address,
            ),
        )

    async def admit(self, token: str, password: str, *, address: str | None) -> str:
        """Look at a token, and only for a good one hash the new password; no transaction is open meanwhile.

        Returns:
            The hash.

        Raises:
            RefusedError: the token cannot be used.
            UnavailableError: too many passwords are being hashed.
        """
        if not await self._tokens.is_open(token, Purpose.PASSWORD):
            raise _refused(Action.PASSWORD_RESET, address)
        return await self._hasher.hash(password)

    async def reset(self, tx: Transaction, token: str, new_hash: str, *, address: str | None) -> None:
        """Use the token, store the new password, open the account if it was locked, and end all logins.

        Raises:
            RefusedError: the token cannot be used any more.
        """
        now = self._clock.now()
        spent = await self._tokens.spend(tx, token, Purpose.PASSWORD)
        changed = (
            await accounts.reset_password(tx.session, spent.user_id, new_hash=new_hash, now=now) if spent else None
        )
        if spent is None or changed is None:
            raise _refused(Action.PASSWORD_RESET, address)
        user_id, username, version = spent.user_id, changed.username, changed.version
        await self._tokens.void_all(tx, user_id)
        await families.revoke_all(tx.session, ClientType.USER, user_id, reason="password_reset", now=now)
        await self._post.send(tx, user_id, self._post.letters.password_changed(username))
        actor = Actor(ClientType.USER, user_id, username)
        await audit.write(tx.session, audit.Entry(actor, Action.PASSWORD_RESET, address=address))
        tell(tx, user_id, version)


class SecondFactorRecovery:
    """The way to a new second factor.

    Args:
        tokens: what is mailed.
        post: takes the letters.
        passwords: checks who asks.
        second_factor: makes the new one.
        clock: says when.
    """

    def __init__(
        self,
        tokens: RecoveryTokens,
        post: Post,
        passwords: PasswordLogin,
        second_factor: SecondFactor,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._post = post
        self._passwords = passwords
        self._second_factor = second_factor
        self._clock = clock

    async def prove(self, username: str, email: str, password: str, *, address: str | None) -> ProvenUser:
        """Check the password of who asks, by name or where none is given by mail address; see `PasswordLogin.prove`."""
        return await self._passwords.prove(_asks(username, password, address, email=email))

    async def ask(self, tx: Transaction, proven: ProvenUser, *, address: str | None) -> None:
        """Mail a token to who gave the password, unless that was done a short while ago.

        Raises:
            RefusedError: the account was locked or changed meanwhile.
        """
        account = proven.account
        await self._passwords.hold(tx, proven, _asks(account.username, "", address))
        is_due = self._post.may_write_again(await repository.second_factor_mailed_at(tx.session, account.id))
        if is_due:
            token = await self._tokens.issue(tx, account.id, Purpose.SECOND_FACTOR)
            await repository.note_second_factor_mailed(tx.session, account.id, self._clock.now())
            letter = self._post.letters.second_factor_recovery(account.username, token, self._tokens.valid_for)
            await self._post.send(tx, account.id, letter, kept=self._tokens.valid_for)
        await audit.write(
            tx.session,
            audit.Entry(
                Actor(ClientType.USER, account.id, account.username),
                Action.SECOND_FACTOR_RECOVERY_ASKED,
                Outcome.DONE if is_due else Outcome.REFUSED,
                reason=None if is_due else "too_soon",
                address=address,
            ),
        )

    async def reset(self, tx: Transaction, token: str, *, address: str | None) -> Offered:
        """Use the token and replace the second factor, whose codes count no more; all logins end.

        Raises:
            RefusedError: the token cannot be used.
        """
        spent = await self._tokens.spend(tx, token, Purpose.SECOND_FACTOR)
        renewed = await self._second_factor.renew(tx, spent.user_id, spent.username) if spent else None
        if spent is None or renewed is None:
            raise _refused(Action.SECOND_FACTOR_RESET, address)
        offered, version = renewed
        user_id, username, now = spent.user_id, spent.username, self._clock.now()
        # whoever used the last mail may lose the secret that it brought, and have another one
        await repository.note_second_factor_mailed(tx.session, user_id, None)
        await families.revoke_all(tx.session, ClientType.USER, user_id, reason="second_factor_reset", now=now)
        await self._post.send(tx, user_id, self._post.letters.second_factor_changed(username))
        actor = Actor(ClientType.USER, user_id, username)
        await audit.write(tx.session, audit.Entry(actor, Action.SECOND_FACTOR_RESET, address=address))
        tell(tx, user_id, version)
        return offered


def _asks(username: str, password: str, address: str | None, *, email: str = "") -> PasswordAsks:
    return PasswordAsks(username, password, Action.SECOND_FACTOR_RECOVERY_ASKED, address, email)
