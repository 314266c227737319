"""A user logs in with name and password, and where that is wanted with a code of its second factor."""

from dataclasses import dataclass

from sextant_auth import audit
from sextant_auth.audit import Action, Actor
from sextant_auth.tokens.grants.handler import REFRESH_URL, TOKEN_HEADER, Granted
from sextant_auth.tokens.logins import Logins
from sextant_auth.unit_of_work import Change
from sextant_auth.users import repository as accounts
from sextant_auth.users.password_login import PasswordAsks, PasswordLogin, ProvenUser
from sextant_auth.users.second_factor import Asked, Offered, Proven, SecondFactor
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.http.hateoas import path


@dataclass(frozen=True)
class UserAsks:
    """A user's login."""

    username: str
    password: str
    mfa_code: str | None
    address: str | None

    @property
    def password_asks(self) -> PasswordAsks:
        """The half of it that is checked first."""
        return PasswordAsks(self.username, self.password, Action.USER_LOGGED_IN, self.address)


@dataclass(frozen=True)
class HalfProvenUser:
    """A user who gave the right password."""

    user: ProvenUser
    asked: UserAsks


class UserGrant:
    """Name and password, and where that is wanted a code, for a pair of tokens."""

    def __init__(
        self,
        change: Change,
        *,
        passwords: PasswordLogin,
        second_factor: SecondFactor | None,
        logins: Logins,
        clock: Clock,
    ) -> None:
        self._change = change
        self._passwords = passwords
        self._second_factor = second_factor
        self._logins = logins
        self._clock = clock

    async def authenticate(self, asked: UserAsks) -> HalfProvenUser:
        """Check the password, whether or not there is such an account."""
        return HalfProvenUser(await self._passwords.prove(asked.password_asks), asked)

    async def issue(self, proven: HalfProvenUser) -> Granted:
        """Begin a login, unless the account was locked or changed while the password was checked."""
        user, asked = proven.user, proven.asked
        account = user.account
        async with self._change() as tx:
            if self._second_factor is not None:
                await self._passwords.hold(tx, user, asked.password_asks)
                outcome = await self._second_factor.check(tx, account, asked.mfa_code, address=asked.address)
                if not isinstance(outcome, Proven):
                    return _half_way(outcome)
            bearer = await accounts.enter(tx.session, account, better_hash=user.better_hash, now=self._clock.now())
            if bearer is None:
                raise self._passwords.overtaken(user, asked.password_asks)
            pair = await self._logins.begin(tx, bearer)
            await audit.write(
                tx.session,
                audit.Entry(
                    Actor(ClientType.USER, account.id, account.username),
                    Action.USER_LOGGED_IN,
                    address=asked.address,
                ),
            )
        body = {
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "refresh_url": REFRESH_URL,
            "user_url": path("user", account.id),
        }
        return Granted(body, headers={TOKEN_HEADER: pair.access_token})


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
