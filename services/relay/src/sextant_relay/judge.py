"""Who a connection's token speaks for. The token is judged after CONNECT was accepted, and again on every change.

A node repeats the token of its first connect for as long as it lives, so one that has merely expired is good for a
bounded grace, while the node still exists and its tokens were not revoked.
"""

import time
from collections.abc import Callable
from typing import Final

from sextant_shared.contract import socket_events
from sextant_shared.contract.claims import LEEWAY_SECONDS, Claims, ClientType, TokenUse
from sextant_shared.contract.errors import UnauthenticatedError, UnreadableTokenError
from sextant_shared.security import Principal, PrincipalCache, TokenVerifier

_EVER: Final = 2**62
"""A grace that no token outlives: how long ago one expired is judged here, when it is known whose it is."""


class TurnedAwayError(Exception):
    """A connection may not stay.

    Attributes:
        notice: the socket event that tells its client.
    """

    def __init__(self, notice: str, reason: str) -> None:
        super().__init__(reason)
        self.notice = notice


def token_in(header: str | None, payload: object) -> str | None:
    """Find the token: in the Authorization header of the first request, else in the payload of CONNECT."""
    if header:
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None
    if isinstance(payload, dict):
        given = payload.get("token")
        if isinstance(given, str) and given:
            return given.removeprefix("Bearer ").strip()
    return None


class Judge:
    """Judges tokens.

    Args:
        verifier: checks signatures.
        principals: knows who exists.
        node_grace_seconds: for how long an expired token of a node is still good.
        time: Unix time.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        principals: PrincipalCache,
        *,
        node_grace_seconds: int,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._principals = principals
        self._node_grace_seconds = node_grace_seconds
        self._unix_time = unix_time

    async def claims_in(self, token: str | None) -> Claims:
        """Check a token by itself.

        Raises:
            TurnedAwayError: it is missing, not ours, for something else, or expired for too long.
            UnavailableError: it cannot be told at the moment.
        """
        if token is None:
            raise TurnedAwayError(socket_events.INVALID_TOKEN, "no token")
        try:
            claims = await self._verifier.verify(token, TokenUse.ACCESS, expired_grace_seconds=_EVER)
        except (UnauthenticatedError, UnreadableTokenError) as error:
            raise TurnedAwayError(socket_events.INVALID_TOKEN, error.msg) from error
        expired_since = self._unix_time() - claims.exp - LEEWAY_SECONDS
        match claims.client_type:
            case ClientType.NODE if expired_since > self._node_grace_seconds:
                # A node that is told "expired" tries its refresh token, which is as old; "invalid" makes it log in.
                raise TurnedAwayError(socket_events.INVALID_TOKEN, "expired for too long")
            case ClientType.USER if expired_since > 0:
                raise TurnedAwayError(socket_events.EXPIRED_TOKEN, "expired")
            case ClientType.NODE | ClientType.USER:
                return claims
        raise TurnedAwayError(socket_events.INVALID_TOKEN, f"a {claims.client_type} has no business here")

    async def principal_of(self, claims: Claims) -> Principal:
        """Find who checked claims speak for, as of now.

        Raises:
            TurnedAwayError: nobody (any more), or the token was revoked.
            UnavailableError: it cannot be told at the moment.
        """
        try:
            return await self._principals.principal_of(claims)
        except UnauthenticatedError as error:
            raise TurnedAwayError(socket_events.INVALID_TOKEN, error.msg) from error
