"""How a service shows another who it is: an httpx authentication with a short-lived service token."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sextant_shared.contract.errors import UnavailableError

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
_RENEW_BEFORE_SECONDS = 30
_REFUSED = (httpx2.codes.UNAUTHORIZED, httpx2.codes.UNPROCESSABLE_CONTENT)
"""No longer good, or signed with a key that auth has lost."""

TokenSource = Callable[[], Awaitable[tuple[str, float]]]
"""Gets a token and the Unix time at which it expires."""


class ServiceTokenAuth(httpx2.Auth):
    """Adds the service token to each request, and gets a new one when it runs out or is refused."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._token = ""
        self._expires_at = 0.0
        self._getting: asyncio.Task[None] | None = None

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Sign the request; once more with a new token when the first is refused."""
        token = await self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code in _REFUSED:
            request.headers["Authorization"] = f"Bearer {await self._current(instead_of=token)}"
            yield request

    async def _current(self, *, instead_of: str | None = None) -> str:
        """A token that is still good; all who need a new one wait for the same, or fail with the same reason."""
        if self._token == instead_of or time.time() > self._expires_at - _RENEW_BEFORE_SECONDS:
            if self._getting is None:
                self._getting = asyncio.create_task(self._get())
            await asyncio.shield(self._getting)
        return self._token

    async def _get(self) -> None:
        try:
            self._token, self._expires_at = await self._source()
        finally:
            self._getting = None


def client_credentials(http: AsyncOAuth2Client) -> TokenSource:
    """A source that asks auth (OAuth 2.0 client credentials, RFC 6749 section 4.4).

    Args:
        http: made with this service's id and secret and auth's base address.
    """

    async def get() -> tuple[str, float]:
        try:
            token = await http.fetch_token(TOKEN_PATH, grant_type="client_credentials")
            return str(token["access_token"]), float(token["expires_at"])
        except (httpx2.HTTPError, OAuthError, ValueError, KeyError) as error:
            raise UnavailableError("auth does not give this service a token at the moment") from error

    return get
