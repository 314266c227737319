"""Verifies tokens (RFC 7519, RFC 8725) with every option written out.

One algorithm, keys only from our issuer's set, never from the token's header. `exp`, `nbf` and `iat` are judged with
the leeway of the contract. joserfc's own claims registry is not used, because it insists on a string `sub`.
A verified token is remembered by its hash until it expires, so that the hot path does no cryptography.
"""

import time
from collections import OrderedDict
from hashlib import sha256
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from pydantic import ValidationError

from sextant_shared.contract.claims import (
    ALGORITHM,
    AUDIENCE,
    BEHIND_SECONDS,
    ISSUER,
    LEEWAY_SECONDS,
    Claims,
    TokenUse,
)
from sextant_shared.contract.errors import (
    ExpiredTokenError,
    ForeignTokenError,
    InvalidTokenError,
    UnreadableTokenError,
)
from sextant_shared.security.jwks_client import KeySource

_CACHE_SIZE = 20_000
_MAX_TOKEN_CHARS = 16_384
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


class TokenVerifier:
    """Turns a token into claims.

    Args:
        keys: where public keys come from.
    """

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    async def verify(self, token: str, use: TokenUse, *, expired_grace_seconds: int = 0) -> Claims:
        """Check signature, issuer, audience, times and purpose.

        Args:
            token: compact JWS.
            use: what the token must be for.
            expired_grace_seconds: accept a token that expired this short a while ago.

        Raises:
            UnreadableTokenError: it is no token.
            ForeignTokenError: it is not ours, or for something else.
            InvalidTokenError: it is ours, and makes no sense.
            ExpiredTokenError: it was good once.
            UnavailableError: the keys cannot be had.
        """
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = await self._verify_signature(token)
            self._verified[digest] = claims
            if len(self._verified) > _CACHE_SIZE:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        if time.time() > claims.exp + LEEWAY_SECONDS + expired_grace_seconds:
            del self._verified[digest]
            raise ExpiredTokenError("The token has expired")
        if claims.use is not use:
            raise ForeignTokenError(f"The token is for {claims.use}; here one for {use} is needed")
        return claims

    async def _verify_signature(self, token: str) -> Claims:
        if len(token) > _MAX_TOKEN_CHARS:
            raise UnreadableTokenError("The token is too long")
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
        except (JoseError, ValueError) as error:
            raise UnreadableTokenError("The Authorization header holds no readable token") from error
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise ForeignTokenError("The token was not issued by this server")
        key = await self._keys.key(kid)
        if key is None:
            raise ForeignTokenError("The token was not issued by this server")
        return _checked(_payload(token, key))


def _payload(token: str, key: ECKey) -> dict[str, Any]:
    try:
        payload = orjson.loads(jws.deserialize_compact(token, key, registry=_REGISTRY).payload)
    except (JoseError, ValueError) as error:
        raise ForeignTokenError("The token was not issued by this server") from error
    if not isinstance(payload, dict):
        raise ForeignTokenError("The token was not issued by this server")
    return payload


def _checked(payload: dict[str, Any]) -> Claims:
    if payload.get("iss") != ISSUER or payload.get("aud") != AUDIENCE:
        raise ForeignTokenError("The token was issued by or for somebody else")
    now = time.time()
    try:
        claims = Claims.model_validate(
            payload
            | {
                "use": payload.get("type"),
                "principal_version": payload.get("pv", 0),
                "family": payload.get("fam"),
                "generation": payload.get("gen", 0),
            }
        )
        not_before = float(payload["nbf"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise InvalidTokenError("The token lacks something that every token of this server has") from error
    if max(not_before, claims.iat - BEHIND_SECONDS) > now + LEEWAY_SECONDS:
        raise InvalidTokenError("The token is not valid yet")
    return claims
