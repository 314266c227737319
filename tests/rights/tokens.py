"""Tokens that nobody has issued: signed by others, by nobody, or with other claims."""

import base64
from collections.abc import Awaitable
from typing import Any, Protocol

import orjson
from joserfc import jws
from joserfc.jwk import ECKey


class Signer(Protocol):
    """Signs as the server does."""

    def __call__(self, token: str, **claims: Any) -> Awaitable[str]:
        """A token like another, with these claims changed."""
        ...


def signed(token: str, key: ECKey, **claims: Any) -> str:
    """A token like another, signed with this key, and with these claims changed."""
    parsed = jws.extract_compact(token.encode())
    payload = orjson.loads(parsed.payload) | claims
    return jws.serialize_compact(dict(parsed.headers()), orjson.dumps(payload), key)


def unsigned(token: str) -> str:
    """A token like another that says of itself that it needs no signature."""
    header, payload, _ = token.split(".")
    said = orjson.loads(base64.urlsafe_b64decode(header + "==")) | {"alg": "none"}
    return f"{base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip('=')}.{payload}."
