"""A user changes its password. A wrong current one counts like a failed login; all logins of the user end."""

from dataclasses import dataclass

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.mail.post import Post
from sextant_auth.recovery.tokens import RecoveryTokens
from sextant_auth.tokens import repository as families
from sextant_auth.users import repository
from sextant_auth.users.lockout import Lockout
from sextant_auth.users.service import tell
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import BadRequestError, UnauthenticatedError
from sextant_shared.db import Database, Transaction
from sextant_shared.security import Principal


class WrongPasswordError(UnauthenticatedError):
    """The current password is not that, or the account is locked."""

    code = "wrong_password"

    def __init__(self) -> None:
        super().__init__("The current password is not right")


@dataclass(frozen=True)
class AdmittedPassword:
    """A change of password that may be made."""

    old_hash: str
    new_hash: str


class Passwords:
    """Changes of passwords.

    Args:
        db: for what is looked up before a transaction.
        hasher: checks the old password and hashes the new one.
        lockout: counts wrong ones.
        recovery: whose tokens end, because whoever asked for them may be the reason for the change.
        post: tells the user.
        clock: says from when older tokens are refused.
    """

    def __init__(
        self,
        db: Database,
        hasher: PasswordHasher,
        lockout: Lockout,
        *,
        recovery: RecoveryTokens,
        post: Post,
        clock: Clock,
    ) -> None:
        self._db = db
        self._hasher = hasher
        self._lockout = lockout
        self._recovery = recovery
        self._post = post
        self._clock = clock

    async def admit(self, caller: Principal, current: str, new: str, *, address: str | None) -> AdmittedPassword:
        """Check the current password and hash the new one; no transaction is open meanwhile.

        Raises:
            RefusedError: the current password is wrong.
            BadRequestError: the new one is the old one.
            UnavailableError: too many passwords are being hashed.
        """
        async with self._db.read() as session:
            stored = await repository.find_password(session, caller.id)
        checked = await self._hasher.check(stored, current)
        if stored is None or not checked.right:
            raise self._refused(caller, address, reason="wrong_password", counts=True)
        if new == current:
            raise BadRequestError("The new password is the current one")
        return AdmittedPassword(stored, await self._hasher.hash(new))

    async def change(
        self, tx: Transaction, caller: Principal, admitted: AdmittedPassword, *, address: str | None
    ) -> None:
        """Store the new password and end all logins.

        Raises:
            RefusedError: the account is locked, or was changed meanwhile.
        """
        now = self._clock.now()
        version = await repository.set_password(
            tx.session,
            caller.id,
            old_hash=admitted.old_hash,
            new_hash=admitted.new_hash,
            now=now,
        )
        if version is None:
            raise self._refused(caller, address, reason="locked", counts=False)
        await families.revoke_all(tx.session, ClientType.USER, caller.id, reason="password_changed", now=now)
        await self._recovery.void_all(tx, caller.id)
        await self._post.send(tx, caller.id, self._post.letters.password_changed(caller.name))
        await audit.write(tx.session, audit.Entry(Actor.of(caller), Action.PASSWORD_CHANGED, address=address))
        tell(tx, caller.id, version)

    def _refused(self, caller: Principal, address: str | None, *, reason: str, counts: bool) -> RefusedError:
        actor = Actor.of(caller)
        entry = audit.Entry(actor, Action.PASSWORD_CHANGED, Outcome.REFUSED, reason=reason, address=address)

        async def count(tx: Transaction) -> None:
            await self._lockout.count_failure(tx, caller.id, actor, address)

        return RefusedError(WrongPasswordError(), entry, count if counts else None)
