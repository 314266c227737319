"""How a service shows another who it is: an httpx authentication with a short-lived service token."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sextant_shared.contract.errors import UnavailableError

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
_RENEW_BEFORE_SECONDS = 30

TokenSource = Callable[[], Awaitable[tuple[str, float]]]
"""Gets a token and the Unix time at which it expires."""


class ServiceTokenAuth(httpx.Auth):
    """Adds the service token to each request, and gets a new one when it runs out or is refused."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._token = ""
        self._expires_at = 0.0
        self._getting = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; once more with a new token after a 401."""
        token = await self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._current(instead_of=token)}"
            yield request

    async def _current(self, *, instead_of: str | None = None) -> str:
        async with self._getting:
            if self._token == instead_of or time.time() > self._expires_at - _RENEW_BEFORE_SECONDS:
                self._token, self._expires_at = await self._source()
            return self._token


def client_credentials(http: AsyncOAuth2Client) -> TokenSource:
    """A source that asks auth (OAuth 2.0 client credentials, RFC 6749 section 4.4).

    Args:
        http: made with this service's id and secret and auth's base address.
    """

    async def get() -> tuple[str, float]:
        try:
            token = await http.fetch_token(TOKEN_PATH, grant_type="client_credentials")
        except (httpx.HTTPError, OAuthError) as error:
            raise UnavailableError("auth does not give this service a token at the moment") from error
        return str(token["access_token"]), float(token["expires_at"])

    return get
