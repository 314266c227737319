"""Knows whether accounts with a bcrypt hash are left, and how costly such a hash is.

While there are, every check of a password costs one hash of either kind, or the time of an answer would tell which
names exist.
"""

import time
from collections.abc import Callable
from typing import Final

from sextant_auth.users import repository
from sextant_shared.db import Database

_BELIEVED_SECONDS: Final = 600.0
"""They become fewer by logins, and never more while a service runs."""


class LegacyPasswords:
    """See the module.

    Args:
        db: auth's database.
        monotonic: seconds that only ever grow.
    """

    def __init__(self, db: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic = monotonic
        self._believed_until = float("-inf")
        self._rounds: int | None = None

    async def rounds(self) -> int | None:
        """The cost of the dearest hash (a power of two); None if there is none."""
        now = self._monotonic()
        if now >= self._believed_until:
            async with self._db.read() as session:
                self._rounds = await repository.bcrypt_rounds(session)
            self._believed_until = now + _BELIEVED_SECONDS
        return self._rounds
