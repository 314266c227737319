"""Checks a name and a password, for everything that begins with the two.

An unknown name, a wrong password and a locked account get the same answer at the same price. A right password is only
half of a login where there is a second factor, so nothing is forgotten or reset here.
"""

from dataclasses import dataclass

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.users import repository
from sextant_auth.users.legacy_passwords import LegacyPasswords
from sextant_auth.users.lockout import Lockout
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnauthenticatedError
from sextant_shared.db import Database, Transaction


@dataclass(frozen=True)
class PasswordAsks:
    """A name and a password are given.

    Attributes:
        username: as given; may be empty where a mail address is given.
        password: as given.
        action: what they are given for.
        address: where from.
        email: of the user, for who does not know the name.
    """

    username: str
    password: str
    action: Action
    address: str | None
    email: str = ""


@dataclass(frozen=True)
class ProvenUser:
    """A user who gave the right password."""

    account: repository.Account
    better_hash: str | None


class LoginFailedError(UnauthenticatedError):
    """Name and password do not make a login. Which of the two is wrong, nobody is told."""

    code = "login_failed"

    def __init__(self) -> None:
        super().__init__("These credentials do not give access")


class PasswordLogin:
    """Name and password.

    Args:
        db: for what is looked up before a transaction.
        hasher: checks passwords.
        legacy: knows of passwords that were hashed in an older way.
        lockout: counts wrong ones.
        clock: says whether an account is locked.
    """

    def __init__(
        self, db: Database, hasher: PasswordHasher, *, legacy: LegacyPasswords, lockout: Lockout, clock: Clock
    ) -> None:
        self._db = db
        self._hasher = hasher
        self._legacy = legacy
        self._lockout = lockout
        self._clock = clock

    async def prove(self, asked: PasswordAsks) -> ProvenUser:
        """Check the password, whether or not there is such an account.

        Raises:
            RefusedError: it is wrong, or no password would do.
            UnavailableError: too many passwords are being hashed.
        """
        async with self._db.read() as session:
            if asked.username:
                account = await repository.find_account(session, asked.username)
            else:
                account = await repository.find_account_by_email(session, asked.email)
        # no connection is held while a hash is computed
        checked = await self._hasher.check(
            account.password_hash if account else None, asked.password, bcrypt_rounds=await self._legacy.rounds()
        )
        if account is None:
            raise self._refused(None, asked, reason="unknown_user")
        if account.guesses.is_locked(self._clock.now()):
            raise self._refused(account, asked, reason="locked")
        if not checked.right:
            raise self._refused(account, asked, reason="wrong_password")
        return ProvenUser(account, checked.better_hash)

    async def hold(self, tx: Transaction, proven: ProvenUser, asked: PasswordAsks) -> None:
        """Keep the account as it is until the transaction's end.

        Raises:
            RefusedError: it was locked or given another password meanwhile, or is gone.
        """
        if not await repository.lock_account(tx.session, proven.account, self._clock.now()):
            raise self.overtaken(proven, asked)

    def overtaken(self, proven: ProvenUser, asked: PasswordAsks) -> RefusedError:
        """The refusal of a password that was right when it was checked, and is of no use any more."""
        return self._refused(proven.account, asked, reason="locked", counts=False)

    def _refused(
        self, account: repository.Account | None, asked: PasswordAsks, *, reason: str, counts: bool = True
    ) -> RefusedError:
        actor = Actor(ClientType.USER, account.id if account else None, asked.username or asked.email)
        entry = audit.Entry(actor, asked.action, Outcome.REFUSED, reason=reason, address=asked.address)

        async def count(tx: Transaction) -> None:
            await self._lockout.count_failure(tx, account.id if account else None, actor, asked.address)

        return RefusedError(LoginFailedError(), entry, count if counts else None)
