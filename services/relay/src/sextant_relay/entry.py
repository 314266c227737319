"""The way in: `/socket.io` goes to the sockets, everything else to the HTTP application."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from sextant_relay.transport import PATH, begun_session
from sextant_shared.http.exception_handlers import raw_error_body
from sextant_shared.http.middleware import REQUEST_ID_HEADER
from sextant_shared.ids import new_id

_log = structlog.get_logger(__name__)

SESSION_HEADER: Final = "X-Sextant-Session"
"""Names the session that an answer begins, for the gateway: it brings the session's other requests here, and lets
nobody see it."""
_BAD_REQUEST = 400
_UNAVAILABLE = 503


class Entry:
    """An ASGI application.

    Args:
        sockets: handles requests of Engine.IO, both kinds.
        http: everything else.
        is_leaving: whether newcomers are to go elsewhere.
    """

    def __init__(
        self,
        sockets: Callable[[Scope, Receive, Send], Awaitable[Any]],
        http: ASGIApp,
        *,
        is_leaving: Callable[[], bool],
    ) -> None:
        self._sockets = sockets
        self._http = http
        self._is_leaving = is_leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        path: str = scope.get("path", "")
        if scope["type"] not in ("http", "websocket") or not (path == PATH or path.startswith(f"{PATH}/")):
            await self._http(scope, receive, send)
        elif self._is_leaving() and b"sid" not in parse_qs(scope["query_string"]):
            await _refuse(scope, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(scope, send)
        begun_session.set(None)
        try:
            await self._sockets(scope, receive, answer.send)
        except OSError:
            raise  # the client is gone, which uvicorn knows how to take
        except Exception as error:  # noqa: BLE001 - the library lets errors through that clients can provoke
            _log.warning("socket_request_failed", transport=scope["type"], error=repr(error))
            if scope["type"] == "http" and not answer.started:
                await answer.fail(_BAD_REQUEST, "This is no request of Engine.IO 4", "bad_socket_request")


class _Answer:
    """Passes an answer on; one that tells an error gets our form of body instead of the library's."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._request_id = Headers(scope=scope).get(REQUEST_ID_HEADER) or str(new_id())
        self._replaced = False
        self.started = False

    async def send(self, message: Message) -> None:
        """Take one message of the application."""
        if message["type"] == "http.response.start" and message["status"] >= _BAD_REQUEST:
            self._replaced = True
            await self.fail(
                message["status"], "The event channel does not take this request", "bad_socket_request", message
            )
            return
        if self._replaced:
            return
        self.started = True
        session = begun_session.get()
        if session is not None and message["type"] == "http.response.start":
            MutableHeaders(scope=message)[SESSION_HEADER] = session
        await self._send(message)

    async def fail(self, status: int, msg: str, code: str, start: Message | None = None) -> None:
        """Answer with an error."""
        self.started = True
        with bound_contextvars(request_id=self._request_id):
            body = raw_error_body(msg, code)
        message = start or {"type": "http.response.start", "headers": []}
        message["status"] = status
        headers = MutableHeaders(scope=message)
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        headers[REQUEST_ID_HEADER] = self._request_id
        await self._send(message)
        await self._send({"type": "http.response.body", "body": body})


async def _refuse(scope: Scope, send: Send) -> None:
    """Send a newcomer elsewhere."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    start = {"type": "http.response.start", "headers": [(b"retry-after", b"2")]}
    await _Answer(scope, send).fail(
        _UNAVAILABLE, "This server is being stopped; please try again", "unavailable", start
    )
