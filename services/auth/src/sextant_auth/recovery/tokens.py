"""Tokens that are mailed to users: each for one purpose, once, for a while.

Only a hash of a token is stored, and it opens nothing but the route of its purpose. A new token ends the older ones of
its purpose, and so does another mail address of the user.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from sextant_auth.recovery import repository
from sextant_shared.clock import Clock
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.db import Database, Transaction
from sextant_shared.ids import new_secret


class Purpose(StrEnum):
    """What a token is good for. Stored: never rename."""

    PASSWORD = "password"  # noqa: S105 - the name of a purpose
    SECOND_FACTOR = "second-factor"


class InvalidResetTokenError(BadRequestError):
    """The token is not one of ours, for another purpose, used, replaced or too old. Which, nobody is told."""

    code = "invalid_reset_token"

    def __init__(self) -> None:
        super().__init__("This token is not valid, or not any more")


@dataclass(frozen=True)
class Spent:
    """Whose token was used."""

    user_id: int
    username: str


_PREFIXES: Final = {Purpose.PASSWORD: "password", Purpose.SECOND_FACTOR: "2fa"}
"""For people with two mails before them."""


class RecoveryTokens:
    """The life of the tokens.

    Args:
        db: for what is looked up before a transaction.
        valid_for: how long one may be used.
        clock: says whether it still may.
    """

    def __init__(self, db: Database, valid_for: timedelta, clock: Clock) -> None:
        self._db = db
        self.valid_for = valid_for
        self._clock = clock

    async def issue(self, tx: Transaction, user_id: int, purpose: Purpose) -> str:
        """Make a token; for a user that does not exist, at the same cost, one that is good for nothing."""
        token = f"{_PREFIXES[purpose]}_{new_secret()}"
        now = self._clock.now()
        await repository.void(tx.session, user_id, purpose=purpose, now=now)
        await repository.add(tx.session, _hash(token), user_id, purpose, now=now, expires_at=now + self.valid_for)
        return token

    async def is_open(self, token: str, purpose: Purpose) -> bool:
        """Tell whether a token could be used now."""
        async with self._db.read() as session:
            return await repository.is_open(session, _hash(token), purpose, now=self._clock.now())

    async def spend(self, tx: Transaction, token: str, purpose: Purpose) -> Spent | None:
        """Use a token; None if it cannot be used. Of several who try at once, one can."""
        row = await repository.spend(tx.session, _hash(token), purpose, now=self._clock.now())
        return Spent(*row) if row is not None else None

    async def void_all(self, tx: Transaction, user_id: int) -> None:
        """End all tokens of a user, whatever for."""
        await repository.void(tx.session, user_id, now=self._clock.now())


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
