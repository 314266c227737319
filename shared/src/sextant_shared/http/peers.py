"""Calls to other services: over the network, or inside the process over ASGI, with the same client code.

`/internal/*` is what services ask each other; a call carries the caller's service token.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.routing import API, AUTH, VPN_REGISTRY
from sextant_shared.http.middleware import REQUEST_ID_HEADER
from sextant_shared.security.service_token import ServiceTokenAuth, TokenSource, client_credentials
from sextant_shared.settings.peers import PeerSettings

_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
_PAUSES_SECONDS = (0.05, 0.3)
_NOT_FOUND = 404
_SERVER_ERROR = 500


class Network(Protocol):
    """Where services are found."""

    def address(self, service: str) -> str:
        """The base URL of a service."""
        ...

    def transport(self, service: str) -> httpx2.AsyncBaseTransport:
        """How to get there."""
        ...


class HttpNetwork:
    """Services at the addresses that the settings name."""

    def __init__(self, settings: PeerSettings) -> None:
        self._addresses = {
            AUTH: settings.auth_url,
            API: settings.api_url,
            VPN_REGISTRY: settings.vpn_url,
        }

    def address(self, service: str) -> str:
        """The base URL of a service."""
        return self._addresses[service]

    def transport(self, service: str) -> httpx2.AsyncBaseTransport:
        """Over the network."""
        del service
        return RepeatingTransport(httpx2.AsyncHTTPTransport(limits=_LIMITS))


class RepeatingTransport(httpx2.AsyncBaseTransport):
    """Sends a request again when its connection is lost before the answer.

    A replica that is killed takes its connections along, some a moment later than others, and another one answers. All
    that services ask each other may be asked more than once. What takes too long is not asked again: whoever waits has
    waited enough.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and if need be again."""
        for pause in _PAUSES_SECONDS:
            try:
                return await self._answer(request)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError):
                await asyncio.sleep(pause)
        return await self._answer(request)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        await answer.aread()  # half an answer is none
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


async def _answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


class InProcessNetwork:
    """Services of this process, found by name once they are registered."""

    def __init__(self) -> None:
        self._apps: dict[str, ASGIApp] = {}

    def register(self, service: str, app: ASGIApp) -> None:
        """Make a service reachable."""
        self._apps[service] = app

    def address(self, service: str) -> str:
        """A base URL that only our transport understands."""
        return f"http://{service}"

    def transport(self, service: str) -> httpx2.AsyncBaseTransport:
        """Straight into the application."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            # Looked up at the call, so that services may be made in any order; a task of its own, so that what the
            # other service binds for its log lines does not end up in ours.
            await asyncio.create_task(_answer(self._apps[service], scope, receive, send))

        return httpx2.ASGITransport(app=app, raise_app_exceptions=False)


class Peer:
    """One other service, as this one sees it."""

    def __init__(self, http: httpx2.AsyncClient, name: str) -> None:
        self.http = http
        self._name = name

    async def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """Ask for JSON. See `request`."""
        return await self.request("GET", path, params=params)

    async def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """Call an internal route and return its JSON.

        Raises:
            NotFoundError: the other service says 404.
            UnavailableError: it does not answer, or fails.
            PeerRefusedError: it refuses with another 4xx.
        """
        request_id = get_contextvars().get("request_id")
        headers = {REQUEST_ID_HEADER: request_id} if request_id else None
        try:
            answer = await self.http.request(method, path, json=json, params=params, headers=headers)
            body = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise UnavailableError(f"The {self._name} service is not available at the moment") from error
        if answer.status_code == _NOT_FOUND:
            raise NotFoundError(body.get("msg", "not found"))
        if answer.status_code >= _SERVER_ERROR:
            raise UnavailableError(f"The {self._name} service is not available at the moment")
        if answer.is_error:
            raise PeerRefusedError(answer.status_code, body)
        return body


class PeerRefusedError(Exception):
    """Another service said no; whoever asked decides what that means for the client."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {body.get('msg')}")
        self.status = status
        self.code = body.get("code")
        self.msg = str(body.get("msg"))


class Peers:
    """The other services, with one pool of connections each.

    Args:
        network: where they are.
        settings: this service's secret and patience.
        name: this service's name, its OAuth client id.
        tokens: where service tokens come from, if not from auth over the network (auth itself makes its own).
    """

    def __init__(
        self,
        network: Network,
        settings: PeerSettings,
        *,
        name: str,
        tokens: TokenSource | None = None,
    ) -> None:
        self._network = network
        self._timeout = settings.peer_timeout_seconds
        self._oauth = AsyncOAuth2Client(
            client_id=name,
            client_secret=settings.client_secret.get_secret_value(),
            base_url=network.address(AUTH),
            transport=network.transport(AUTH),
            timeout=self._timeout,
        )
        self._auth = ServiceTokenAuth(tokens or client_credentials(self._oauth))
        self._clients: list[httpx2.AsyncClient] = []

    def peer(self, service: str) -> Peer:
        """A service to call with our token."""
        return Peer(self._client(service, auth=self._auth), service)

    def public(self, service: str) -> httpx2.AsyncClient:
        """A service's public documents, without a token."""
        return self._client(service, auth=None)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.aclose()
        await self._oauth.aclose()

    def _client(self, service: str, *, auth: httpx2.Auth | None) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(
            base_url=self._network.address(service),
            transport=self._network.transport(service),
            timeout=self._timeout,
            auth=auth,
        )
        self._clients.append(client)
        return client
