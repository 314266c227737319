"""What happens around every request: a request id, a limit on the body, HEAD, one log line, metrics.

Plain ASGI, because Starlette's BaseHTTPMiddleware costs a task and two queues per request.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sextant_shared.http.exception_handlers import raw_error_body
from sextant_shared.ids import new_id
from sextant_shared.telemetry import HTTP_REQUESTS, HTTP_SECONDS

_log = structlog.get_logger("sextant_shared.http.access")

REQUEST_ID_HEADER = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_UNROUTED = "(none)"
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class RequestContext:
    """Gives each request its id, counts it and writes one line about it."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", None) or _UNROUTED
        HTTP_REQUESTS.labels(self._service, scope["method"], path, str(status)).inc()
        HTTP_SECONDS.labels(self._service, scope["method"], path).observe(seconds)
        if scope["path"] not in _QUIET:
            _log.info(
                "request_answered",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
            )


class HeadAsGet:
    """Answers HEAD wherever GET is answered, with the same headers and no body (RFC 9110, section 9.3.2).

    FastAPI, unlike Starlette, does not do that by itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # a copy: who serves the request has to know that it is a HEAD
        asked = {**scope, "method": "GET"}
        await self._app(asked, receive, send_without_body)
        scope["route"] = asked.get("route")


class BodyLimit:
    """Refuses bodies over a size with 413, whether they announce it or not.

    Args:
        app: what is behind it.
        max_bytes: the size.
        by_path: other sizes for certain paths, such as those whose bodies are streamed on.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, by_path: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._by_path = by_path or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._by_path.get(scope["path"], self._max_bytes) if self._by_path else self._max_bytes
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            await self._refuse(send, max_bytes)
            return
        seen = 0
        refused = False

        async def receive_limited() -> Message:
            nonlocal seen, refused
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > max_bytes:
                    refused = True
                    return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        try:
            await self._app(scope, receive_limited, send_unless_refused)
        finally:
            if refused:
                await self._refuse(send, max_bytes)

    async def _refuse(self, send: Send, max_bytes: int) -> None:
        body = raw_error_body(f"The body may have at most {max_bytes} bytes", "body_too_large")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
