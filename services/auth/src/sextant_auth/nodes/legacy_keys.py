"""Finds the nodes of an adopted vantage6 database by their keys, of which there are only bcrypt hashes.

A bcrypt hash cannot be looked up: a key has to be compared with one after the other, and each comparison takes a good
part of a second. So that this is no open door, and stays no burden:

* it is done once for each node: then the node is found by its key's HMAC, as all others are, and the hash is gone;
* it is done in threads of its own, a few at once, which no login of a user waits for;
* what has not the form of a key is not compared, a key that was wrong is remembered for a while, and an address may try
  only so many new keys in a time;
* only so many keys wait, and no request waits for long: it is told to come again, and finds the comparison going on, or
  done, for that does not end with the request that began it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

import bcrypt
import structlog

from sextant_auth.nodes import repository
from sextant_shared.allowance import Allowance
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

_AT_ONCE: Final = 32
"""Keys that are compared or wait to be."""
_PATIENCE_SECONDS: Final = 20.0
"""How long a request waits; less than any proxy does."""
_KEYS_PER_SECOND: Final = 0.1
_KEYS_BURST: Final = 20
"""How many new keys an address may try, all nodes of a hospital among them: at once, and from then on in a second."""
_REMEMBERED: Final = 10_000
"""Wrong keys and addresses that are remembered at most."""
_WRONG_SECONDS: Final = 600.0
_NONE_SECONDS: Final = 600.0
"""How long it is believed that no legacy hash is left. None comes while a service runs."""
_RETRY_AFTER_SECONDS: Final = 10

ValueT = TypeVar("ValueT")


class LegacyKeys:
    """See the module.

    Args:
        db: auth's database.
        workers: comparisons at once.
        patience_seconds: how long a request waits for its comparison.
        monotonic: seconds that only ever grow.
    """

    def __init__(
        self,
        db: Database,
        *,
        workers: int,
        patience_seconds: float = _PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="legacy-keys")
        self._patience_seconds = patience_seconds
        self._monotonic = monotonic
        self._jobs: dict[str, asyncio.Task[bool]] = {}
        self._wrong: OrderedDict[str, float] = OrderedDict()
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()
        self._none_until = float("-inf")

    async def adopt(self, key: str, fingerprint: str, *, address: str | None) -> bool:
        """Let the node that has a key by an old hash be found by the key's fingerprint; tells whether to look again.

        Raises:
            UnavailableError: too many keys are being compared, or this one takes longer than a request may.
        """
        now = self._monotonic()
        if not _looks_like_a_key(key) or now < self._none_until or self._wrong.get(fingerprint, now) > now:
            return False
        job = self._jobs.get(fingerprint) or self._begin(key, fingerprint, address or "")
        done, _ = await asyncio.wait([job], timeout=self._patience_seconds)
        if not done:
            raise UnavailableError(
                "This key is still being compared; come again", retry_after_seconds=_RETRY_AFTER_SECONDS
            )
        return job.result()

    @property
    def is_busy(self) -> bool:
        """Whether some key is being compared."""
        return bool(self._jobs)

    async def close(self) -> None:
        """Give up on what is being compared."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, key: str, fingerprint: str, address: str) -> asyncio.Task[bool]:
        if len(self._jobs) >= _AT_ONCE or not self._may_try(address):
            raise _come_again("Too many keys are being compared")
        job = self._jobs[fingerprint] = asyncio.create_task(self._compare(key, fingerprint))
        job.add_done_callback(lambda done: self._ended(fingerprint, done))
        return job

    async def _compare(self, key: str, fingerprint: str) -> bool:
        async with self._db.read() as session:
            hashes = await repository.legacy_hashes(session)
        if not hashes:
            self._none_until = self._monotonic() + _NONE_SECONDS
            return False
        loop = asyncio.get_running_loop()
        for node_id, stored in hashes.items():
            # one by one, so that several keys take turns
            if await loop.run_in_executor(self._pool, _fits, key, stored):
                async with self._db.transaction() as tx:
                    is_adopted = await repository.adopt_key(tx.session, node_id, stored, fingerprint=fingerprint)
                _log.info("legacy_key_adopted", node_id=node_id, adopted=is_adopted)
                return True  # if another replica was faster, the node is found all the same
        _remember(self._wrong, fingerprint, self._monotonic() + _WRONG_SECONDS)
        return False

    def _ended(self, fingerprint: str, job: asyncio.Task[bool]) -> None:
        del self._jobs[fingerprint]
        if not job.cancelled() and job.exception() is not None:
            # whoever still waits is told; nobody may
            _log.warning("legacy_key_not_compared", reason=repr(job.exception()))

    def _may_try(self, address: str) -> bool:
        allowance = self._allowances.get(address)
        if allowance is None:
            allowance = Allowance(per_second=_KEYS_PER_SECOND, burst=_KEYS_BURST, monotonic=self._monotonic)
        _remember(self._allowances, address, allowance)
        return allowance.take()


def _come_again(reason: str) -> UnavailableError:
    return UnavailableError(reason, retry_after_seconds=_RETRY_AFTER_SECONDS)


def _remember(known: OrderedDict[str, ValueT], name: str, value: ValueT) -> None:
    known[name] = value
    known.move_to_end(name)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)


def _looks_like_a_key(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _fits(key: str, stored: str) -> bool:
    with suppress(ValueError):  # what is no bcrypt hash fits nothing
        return bcrypt.checkpw(key.encode(), stored.encode())
    return False
