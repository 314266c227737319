"""The keys in memory: signing and verifying never wait for the database, except for a key not seen before.

Each replica reads the keys of all from the database, at start, now and then, and when somebody shows a `kid` that it
does not know (at most once in a cooldown). A replica that is late in hearing of a rotation signs with the key before,
which is published as long as what it signed is valid.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from joserfc.jwk import ECKey

from sextant_auth.keys import repository
from sextant_auth.keys.material import make_key, open_key
from sextant_auth.keys.repository import RotationLostError, StoredKey
from sextant_auth.keys.rotation import (
    CreateActive,
    CreatePending,
    KeyState,
    Promote,
    Retire,
    RotationPolicy,
    Step,
    next_step,
)
from sextant_auth.secret_box import SecretBox
from sextant_shared.clock import Clock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

_COOLDOWN_SECONDS = 5.0
_CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class SigningKey:
    """The key that signs now."""

    kid: str
    key: ECKey


@dataclass(frozen=True)
class _Loaded:
    signing: SigningKey | None
    public: Mapping[str, ECKey]
    jwks: Sequence[dict[str, Any]]


class Keyring:
    """Signs, verifies and publishes; implements `KeySource` without asking over HTTP.

    Args:
        db: auth's database.
        box: opens private halves.
        policy: when keys take turns.
        clock: tells when that is.
    """

    def __init__(self, db: Database, box: SecretBox, policy: RotationPolicy, clock: Clock) -> None:
        self._db = db
        self._box = box
        self._policy = policy
        self._clock = clock
        self._loaded: _Loaded | None = None
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()

    async def key(self, kid: str) -> ECKey | None:
        """Find the public key for a `kid`."""
        loaded = await self._ready()
        if kid not in loaded.public:
            loaded = await self._reload(unless_younger_than=_COOLDOWN_SECONDS)
        return loaded.public.get(kid)

    async def signing_key(self) -> SigningKey:
        """The key to sign with.

        Raises:
            UnavailableError: there is none (the migration has not run).
        """
        loaded = await self._ready()
        if loaded.signing is None:
            raise UnavailableError("There is no signing key")
        return loaded.signing

    async def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517)."""
        return {"keys": list((await self._ready()).jwks)}

    async def run(self) -> None:
        """Rotate when it is time and keep up with the other replicas, until cancelled."""
        while True:
            try:
                await self.rotate_if_due()
                await self._reload()
            except UnavailableError as error:
                _log.warning("keys_not_checked", reason=error.msg)
            await asyncio.sleep(_CHECK_SECONDS)

    async def rotate_if_due(self) -> list[Step]:
        """Take the steps that are due; returns those taken here rather than by another replica."""
        taken: list[Step] = []
        while True:
            async with self._db.read() as session:
                lives = [stored.life for stored in await repository.published(session)]
            step = next_step(lives, self._policy, self._clock.now())
            if step is None:
                break
            try:
                await self._take(step)
            except RotationLostError:
                _log.info("rotation_lost", step=type(step).__name__)
                break
            _log.info("key_rotated", step=type(step).__name__)
            taken.append(step)
        if taken:
            await self._reload()
        return taken

    async def _take(self, step: Step) -> None:
        now = self._clock.now()
        # made before the transaction: nobody waits for a key to be generated
        key = make_key(self._box) if isinstance(step, CreateActive | CreatePending) else None
        async with self._db.transaction() as tx:
            if key is not None:
                state = KeyState.ACTIVE if isinstance(step, CreateActive) else KeyState.PENDING
                await repository.add(tx.session, key, state, now)
            elif isinstance(step, Promote):
                if step.active is not None:
                    await repository.demote(tx.session, step.active, now)
                await repository.activate(tx.session, step.pending, now)
            elif isinstance(step, Retire):
                await repository.retire(tx.session, step.kid, now)

    async def _ready(self) -> _Loaded:
        return self._loaded or await self._reload(unless_younger_than=float("inf"))

    async def _reload(self, *, unless_younger_than: float = 0.0) -> _Loaded:
        async with self._loading:
            if self._loaded is not None and time.monotonic() - self._loaded_at < unless_younger_than:
                return self._loaded
            async with self._db.read() as session:
                stored = await repository.published(session)
            self._loaded = self._open(stored)
            self._loaded_at = time.monotonic()
            return self._loaded

    def _open(self, stored: Sequence[StoredKey]) -> _Loaded:
        signing = None
        for key in stored:
            if key.life.state is KeyState.ACTIVE and key.private_jwk_encrypted is not None:
                kid = key.life.kid
                signing = SigningKey(kid, open_key(self._box, kid, key.private_jwk_encrypted))
        return _Loaded(
            signing=signing,
            public={key.life.kid: ECKey.import_key(key.public_jwk) for key in stored},
            jwks=[key.public_jwk for key in stored],
        )


def rotation_policy(*, rotate_seconds: int, publish_seconds: int, longest_token_seconds: int) -> RotationPolicy:
    """Make the policy from settings."""
    return RotationPolicy(
        rotate_after=timedelta(seconds=rotate_seconds),
        publish_for=timedelta(seconds=publish_seconds),
        # clocks differ, and a replica may sign with the old key until it looks again
        verify_for=timedelta(seconds=longest_token_seconds + 2 * _CHECK_SECONDS),
    )
