"""Hashes and checks passwords: Argon2id (OWASP's minimum: 19 MiB, two passes, one lane), bcrypt only of old.

Hashing is meant to be slow, so it happens in a few threads of its own, never in the event loop, and only so many
may wait: beyond that a login is told to come back, instead of everyone waiting for everyone.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.ids import new_secret

_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_LANES: Final = 1
_BCRYPT_PREFIXES: Final = ("$2a$", "$2b$", "$2y$")
_BCRYPT_BYTES: Final = 72
"""bcrypt knows no more of a password than this; what is hashed here anew counts in full."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Checked:
    """What checking a password gave.

    Attributes:
        right: whether it is the password.
        better_hash: to be stored instead of the old one, where that was made in an older way.
    """

    right: bool
    better_hash: str | None = None


class PasswordHasher:
    """Hashes passwords in threads.

    Args:
        workers: passwords at once.
        queue: how many may wait beside them.
    """

    def __init__(self, *, workers: int, queue: int) -> None:
        self._argon2 = Argon2(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="password-hash")
        self._places = workers + queue
        # checked when there is no account, so that an unknown name costs what a known one does
        self._nobodys = self._argon2.hash(new_secret())

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises:
            UnavailableError: too many wait already.
        """
        return await self._run(lambda: self._argon2.hash(password))

    async def check(self, stored: str | None, password: str, *, bcrypt_rounds: int | None = None) -> Checked:
        """Check a password against a stored hash.

        Args:
            stored: None for an account that does not exist.
            password: as given.
            bcrypt_rounds: the cost of old hashes, if some accounts have one: then every check costs one hash of
                either kind, so that none can be told from the others.

        Raises:
            UnavailableError: too many wait already.
        """
        return await self._run(lambda: self._check(stored, password, bcrypt_rounds))

    async def close(self) -> None:
        """End the threads once they are done."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], ResultT]) -> ResultT:
        if self._places <= 0:
            raise UnavailableError("Too many logins at once")
        self._places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._places += 1

    def _check(self, stored: str | None, password: str, bcrypt_rounds: int | None) -> Checked:
        if stored is not None and stored.startswith(_BCRYPT_PREFIXES):
            right = self._verify_bcrypt(stored, password)
            # made whether it is of use or not: it costs what checking an Argon2id hash costs
            better_hash = self._argon2.hash(password)
            return Checked(right, better_hash if right else None)
        right = self._verify_argon2(stored or self._nobodys, password) and stored is not None
        if bcrypt_rounds is not None:
            self._verify_bcrypt(_nobodys_bcrypt(bcrypt_rounds), password)
        if right and stored is not None and self._argon2.check_needs_rehash(stored):
            return Checked(right=True, better_hash=self._argon2.hash(password))
        return Checked(right)

    def _verify_bcrypt(self, stored: str, password: str) -> bool:
        # whoever made the hash cut the password here, and newer bcrypt refuses to do so by itself
        with suppress(ValueError):
            return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], stored.encode())
        return False

    def _verify_argon2(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _nobodys_bcrypt(rounds: int) -> str:
    """A hash of this cost that no password has."""
    return f"$2b${rounds:02d}${'.' * 53}"
