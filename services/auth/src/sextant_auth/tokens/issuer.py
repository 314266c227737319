"""Writes and signs tokens. The only place that makes claims; `sextant_shared.security.verifier` reads them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.jws import JWSRegistry

from sextant_auth.keys.keyring import Keyring
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import (
    ALGORITHM,
    AUDIENCE,
    BEHIND_SECONDS,
    ISSUER,
    ClientType,
    ContainerSubject,
    TokenUse,
)
from sextant_shared.ids import new_id

_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])
_TYPE = "at+jwt"


@dataclass(frozen=True)
class Lifetimes:
    """How long tokens live, in seconds."""

    access: int
    user_refresh: int
    node_refresh: int
    container: int
    service: int

    def refresh(self, client_type: ClientType) -> int:
        """The life of a refresh token of this kind of principal."""
        return self.node_refresh if client_type is ClientType.NODE else self.user_refresh


@dataclass(frozen=True)
class Bearer:
    """Whom a token will speak for.

    Attributes:
        client_type: user or node.
        id: of the user or node.
        version: of the principal now.
        tokens_valid_from: Unix time; tokens must not look older.
        roles: names, for programs that show them.
    """

    client_type: ClientType
    id: int
    version: int
    tokens_valid_from: int
    roles: Collection[str] = ()


@dataclass(frozen=True)
class TokenPair:
    """What a login or a refresh gives."""

    access_token: str
    refresh_token: str


class TokenIssuer:
    """Makes tokens.

    Args:
        keyring: signs.
        lifetimes: of each kind.
        clock: says when a token begins.
    """

    def __init__(self, keyring: Keyring, lifetimes: Lifetimes, clock: Clock) -> None:
        self._keyring = keyring
        self.lifetimes = lifetimes
        self._clock = clock

    async def pair(self, bearer: Bearer, *, family: UUID, generation: int) -> TokenPair:
        """Make an access token and the refresh token of a family's generation."""
        refresh = {"fam": str(family), "gen": generation}
        return TokenPair(
            access_token=await self._for_bearer(bearer, TokenUse.ACCESS, self.lifetimes.access),
            refresh_token=await self._for_bearer(
                bearer, TokenUse.REFRESH, self.lifetimes.refresh(bearer.client_type), **refresh
            ),
        )

    async def container(self, subject: ContainerSubject, *, node: Bearer) -> str:
        """Make the access token of an algorithm that runs at `node`."""
        return await self._sign(
            TokenUse.ACCESS,
            ClientType.CONTAINER,
            subject.model_dump(mode="json"),
            lifetime=self.lifetimes.container,
            not_before=node.tokens_valid_from,
            pv=node.version,
        )

    async def service(self, name: str) -> tuple[str, float]:
        """Make a service's token; also tells when it expires (Unix time)."""
        token = await self._sign(TokenUse.SERVICE, ClientType.SERVICE, name, lifetime=self.lifetimes.service)
        return token, self._clock.now().timestamp() + self.lifetimes.service

    async def _for_bearer(self, bearer: Bearer, use: TokenUse, lifetime: int, **claims: Any) -> str:
        return await self._sign(
            use,
            bearer.client_type,
            bearer.id,
            lifetime=lifetime,
            not_before=bearer.tokens_valid_from,
            roles=sorted(bearer.roles),
            pv=bearer.version,
            **claims,
        )

    async def _sign(
        self,
        use: TokenUse,
        client_type: ClientType,
        subject: int | str | dict[str, Any],
        *,
        lifetime: int,
        not_before: int = 0,
        **claims: Any,
    ) -> str:
        signing = await self._keyring.signing_key()
        now = int(self._clock.now().timestamp())
        # A token made in the very second of a revocation must not count as made before it.
        issued_at = max(now, not_before)
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "type": use,
            "sub": subject,
            "client_type": client_type,
            "iat": issued_at,
            "nbf": issued_at - BEHIND_SECONDS,
            "exp": issued_at + lifetime,
            "jti": str(new_id()),
            "pv": 0,
            "roles": [],
            "fresh": False,
            "csrf": str(new_id()),
        } | claims
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": signing.kid}
        return jws.serialize_compact(header, orjson.dumps(payload), signing.key, registry=_REGISTRY)
