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

    async def check(self, stored: str | None, password: str) -> Checked:
        """Check a password against a stored hash; None for an account that does not exist.

        Raises:
            UnavailableError: too many wait already.
        """
        return await self._run(lambda: self._check(stored, password))

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

    def _check(self, stored: str | None, password: str) -> Checked:
        if stored is None:
            self._verify(self._nobodys, password)
            return Checked(right=False)
        if not self._verify(stored, password):
            return Checked(right=False)
        if stored.startswith(_BCRYPT_PREFIXES) or self._argon2.check_needs_rehash(stored):
            return Checked(right=True, better_hash=self._argon2.hash(password))
        return Checked(right=True)

    def _verify(self, stored: str, password: str) -> bool:
        if stored.startswith(_BCRYPT_PREFIXES):
            # whoever made the hash cut the password here, and newer bcrypt refuses to do so by itself
            with suppress(ValueError):
                return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], stored.encode())
            return False
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
