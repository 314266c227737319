"""Fetches auth's public keys.

An unknown `kid` makes it fetch again, one request at a time and not more often than once in a cooldown, so forged
tokens cannot make it a load on auth. An answer without keys never replaces keys that work.
"""

import asyncio
import time
from typing import Protocol

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from sextant_shared.contract.errors import UnavailableError

_log = structlog.get_logger(__name__)

_COOLDOWN_SECONDS = 5.0
_MAX_AGE_SECONDS = 300.0
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
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._keys: dict[str, ECKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> ECKey | None:
        """Find a key."""
        known = self._keys.get(kid)
        age = time.monotonic() - self._fetched_at
        if known is not None and age < _MAX_AGE_SECONDS:
            return known
        try:
            await self._refresh()
        except UnavailableError:
            # A key that was good minutes ago is better than no service at all.
            if known is not None:
                return known
            raise
        return self._keys.get(kid)

    async def ping(self) -> None:
        """Check that there are keys to verify with, and get them if there are none yet.

        Raises:
            UnavailableError: no token can be judged at the moment.
        """
        if not self._keys:
            await self._refresh()

    async def _refresh(self) -> None:
        async with self._fetching:
            if time.monotonic() - self._tried_at < _COOLDOWN_SECONDS:
                if not self._keys:
                    raise UnavailableError("The signing keys are not available at the moment")
                return
            self._tried_at = time.monotonic()
            try:
                answer = await self._http.get(JWKS_PATH)
                answer.raise_for_status()
                keys = {str(entry["kid"]): ECKey.import_key(entry) for entry in answer.json()["keys"]}
            except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
                _log.warning("jwks_fetch_failed", reason=str(error))
                # Nothing was learned: the next caller may ask at once.
                self._tried_at = float("-inf") if not self._keys else self._tried_at
                raise UnavailableError("The signing keys are not available at the moment") from error
            if keys:
                self._keys = keys
                self._fetched_at = time.monotonic()
