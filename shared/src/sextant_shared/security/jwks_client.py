"""Fetches auth's public keys.

An unknown `kid` makes it fetch again, one request at a time and not more often than once in a cooldown, so forged
tokens cannot make it a load on auth. An answer without keys never replaces keys that work.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from sextant_shared.contract.errors import UnavailableError

_log = structlog.get_logger(__name__)

_COOLDOWN_SECONDS = 5.0
_MAX_AGE_SECONDS = 300.0
_UNAVAILABLE = "The signing keys are not available at the moment"
JWKS_PATH = "/.well-known/jwks.json"


class KeySource(Protocol):
    """Finds the public key for a `kid`."""

    async def key(self, kid: str) -> ECKey | None:
        """The key, or None if there is none of this name.

        Raises:
            UnavailableError: it cannot be told at the moment.
        """
        ...


class JwksClient:
    """The keys of one issuer.

    Args:
        http: a client for auth; only its public key document is asked for.
        monotonic: seconds that only ever grow.
    """

    def __init__(self, http: httpx2.AsyncClient, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._monotonic = monotonic
        self._keys: dict[str, ECKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._failed = False
        self._fetching: asyncio.Task[bool] | None = None

    async def key(self, kid: str) -> ECKey | None:
        """Find a key."""
        known = self._keys.get(kid)
        if known is not None and self._monotonic() - self._fetched_at < _MAX_AGE_SECONDS:
            return known
        await self._refresh()
        # A key that was good minutes ago stays while auth is away: better than no service at all.
        found = self._keys.get(kid)
        if found is None and self._failed:
            raise UnavailableError(_UNAVAILABLE)
        return found

    async def ping(self) -> None:
        """Check that there are keys to verify with, and get them if there are none yet.

        Raises:
            UnavailableError: no token can be judged at the moment.
        """
        if not self._keys:
            await self._refresh()
        if not self._keys:
            raise UnavailableError(_UNAVAILABLE)

    async def _refresh(self) -> None:
        """Ask, unless it was just done; all who wait share one request and its outcome."""
        if self._fetching is None:
            # While nothing is known, every newcomer may ask: there is no service without keys.
            if self._keys and self._monotonic() - self._tried_at < _COOLDOWN_SECONDS:
                return
            self._tried_at = self._monotonic()
            self._fetching = asyncio.create_task(self._fetch())
        self._failed = not await asyncio.shield(self._fetching)

    async def _fetch(self) -> bool:
        try:
            answer = await self._http.get(JWKS_PATH)
            answer.raise_for_status()
            keys = {str(entry["kid"]): ECKey.import_key(entry) for entry in answer.json()["keys"]}
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
            _log.warning("jwks_fetch_failed", reason=str(error))
            return False
        finally:
            self._fetching = None
        if keys:
            self._keys = keys
            self._fetched_at = self._monotonic()
        return bool(self._keys)
