"""A user logs in with name and password.

An unknown name, a wrong password and a locked account get the same answer at the same price.
"""

from dataclasses import dataclass

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.tokens.grants.handler import REFRESH_URL, Granted
from sextant_auth.tokens.logins import Logins
from sextant_auth.unit_of_work import Change
from sextant_auth.users import repository as accounts
from sextant_auth.users.lockout import Lockout
from sextant_auth.users.second_factor import Asked, Offered, Proven, SecondFactor
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnauthenticatedError
from sextant_shared.db import Database, Transaction
from sextant_shared.http.hateoas import path


@dataclass(frozen=True)
class UserAsks:
    """A user's login."""

    username: str
    password: str
    mfa_code: str | None
    address: str | None


@dataclass(frozen=True)
class ProvenUser:
    """A user who gave the right password."""

    account: accounts.Account
    better_hash: str | None
    asked: UserAsks


class LoginFailedError(UnauthenticatedError):
    """Name and password do not make a login. Which of the two is wrong, nobody is told."""

    code = "login_failed"

    def __init__(self) -> None:
        super().__init__("These credentials do not give access")


class UserGrant:
    """Name and password, and where that is wanted a code, for a pair of tokens."""

    def __init__(
        self,
        db: Database,
        change: Change,
        *,
        hasher: PasswordHasher,
        lockout: Lockout,
        second_factor: SecondFactor | None,
        logins: Logins,
        clock: Clock,
    ) -> None:
        self._db = db
        self._change = change
        self._hasher = hasher
        self._lockout = lockout
        self._second_factor = second_factor
        self._logins = logins
        self._clock = clock

    async def authenticate(self, asked: UserAsks) -> ProvenUser:
        """Check the password, whether or not there is such an account."""
        async with self._db.read() as session:
            account = await accounts.find_account(session, asked.username)
        # no connection is held while a hash is computed
        checked = await self._hasher.check(account.password_hash if account else None, asked.password)
        if account is None or not checked.right:
            raise self._refused(account, asked, reason="unknown_user" if account is None else "wrong_password")
        return ProvenUser(account, checked.better_hash, asked)

    async def issue(self, proven: ProvenUser) -> Granted:
        """Begin a login, unless the account is locked, or was changed while the password was checked."""
        account = proven.account
        async with self._change() as tx:
            if self._second_factor is not None:
                if not await accounts.lock_account(tx.session, account, self._clock.now()):
                    raise self._refused(account, proven.asked, reason="locked", counts=False)
                outcome = await self._second_factor.check(
                    tx, account, proven.asked.mfa_code, address=proven.asked.address
                )
                if not isinstance(outcome, Proven):
                    return _half_way(outcome)
            bearer = await accounts.enter(tx.session, account, better_hash=proven.better_hash, now=self._clock.now())
            if bearer is None:
                raise self._refused(account, proven.asked, reason="locked", counts=False)
            pair = await self._logins.begin(tx, bearer)
            await audit.write(
                tx.session,
                audit.Entry(
                    Actor(ClientType.USER, account.id, account.username),
                    Action.USER_LOGGED_IN,
                    address=proven.asked.address,
                ),
            )
        body = {
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "refresh_url": REFRESH_URL,
            "user_url": path("user", account.id),
        }
        return Granted(body, headers={"jwt-token": pair.access_token})

    def _refused(
        self, account: accounts.Account | None, asked: UserAsks, *, reason: str, counts: bool = True
    ) -> RefusedError:
        actor = Actor(ClientType.USER, account.id if account else None, asked.username)
        entry = audit.Entry(actor, Action.USER_LOGGED_IN, Outcome.REFUSED, reason=reason, address=asked.address)

        async def count(tx: Transaction) -> None:
            await self._lockout.count_failure(tx, account.id if account else None, actor, asked.address)

        return RefusedError(LoginFailedError(), entry, count if counts else None)


def _half_way(outcome: Offered | Asked) -> Granted:
    if isinstance(outcome, Asked):
        return Granted({"msg": "Give the code of your second factor, too"})
    return Granted(
        {
            "msg": "Set up your second factor with this secret, then log in with a code of it",
            "qr_uri": outcome.uri,
            "otp_secret": outcome.secret,
        }
    )
