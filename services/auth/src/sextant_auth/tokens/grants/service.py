"""A service shows its secret and gets a short-lived token (OAuth 2.0 client credentials, RFC 6749 section 4.4)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import unquote_plus

from pydantic import SecretStr

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.tokens.grants.handler import Granted
from sextant_auth.tokens.issuer import TokenIssuer
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import BadRequestError, UnauthenticatedError

GRANT_TYPE: Final = "client_credentials"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True)
class ServiceAsks:
    """A token request.

    Attributes:
        grant_type: as sent.
        authorization: the header, as sent.
        address: where it came from.
    """

    grant_type: str | None
    authorization: str | None
    address: str | None


class UnsupportedGrantError(BadRequestError):
    """Another grant than client credentials is asked for."""

    code = "unsupported_grant_type"

    def __init__(self) -> None:
        super().__init__(
            f"Only the grant type {GRANT_TYPE} is known here", headers=_NO_STORE, extra={"error": self.code}
        )


class InvalidClientError(UnauthenticatedError):
    """The client is not known, or its secret is wrong."""

    code = "invalid_client"

    def __init__(self) -> None:
        super().__init__(
            "Client authentication failed",
            headers={"WWW-Authenticate": 'Basic realm="sextant"', **_NO_STORE},
            extra={"error": self.code},
        )


class ServiceGrant:
    """A client secret for a service token.

    Args:
        secrets: of the services, by name.
        issuer: makes the tokens.
    """

    def __init__(self, secrets: Mapping[str, SecretStr], issuer: TokenIssuer) -> None:
        self._digests = {name: _digest(secret.get_secret_value()) for name, secret in secrets.items()}
        self._issuer = issuer

    async def authenticate(self, asked: ServiceAsks) -> str:
        """Check name and secret.

        Raises:
            UnsupportedGrantError: not a request that we know.
        """
        if asked.grant_type != GRANT_TYPE:
            raise UnsupportedGrantError
        name, secret = _basic(asked.authorization)
        if not self._knows(name, secret):
            entry = audit.Entry(
                Actor(ClientType.SERVICE, name=name),
                Action.SERVICE_LOGGED_IN,
                Outcome.REFUSED,
                reason="wrong_secret",
                address=asked.address,
            )
            raise RefusedError(InvalidClientError(), entry)
        return name

    async def issue(self, name: str) -> Granted:
        """Make the token."""
        token, _ = await self._issuer.service(name)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self._issuer.lifetimes.service}
        return Granted(body, headers=_NO_STORE)

    def _knows(self, name: str, secret: str) -> bool:
        expected = self._digests.get(name, b"")
        # the RFC form-encodes name and secret before Basic does its part; many clients, authlib's too, do not
        spellings = (secret, unquote_plus(secret))
        return any(hmac.compare_digest(_digest(spelling), expected) for spelling in spellings)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _basic(header: str | None) -> tuple[str, str]:
    """Read HTTP Basic."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidClientError from error
    name, _, secret = text.partition(":")
    return name, secret
