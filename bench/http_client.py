"""A minimal HTTP/1.1 client: one keep-alive connection, one request at a time.

General clients spend more on a request than the services do, so they would measure themselves. This one understands
what the suite answers with: a status line, headers, and a body of announced length.
"""

import asyncio
import re
from typing import Any, NamedTuple, Self, cast
from urllib.parse import urlsplit

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_TIMEOUT_SECONDS = 60


class WrongAnswerError(Exception):
    """The suite answered something else than the benchmark expects."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body."""
        return orjson.loads(self.body)

    def expect(self, status: int) -> Self:
        """Check the status.

        Raises:
            WrongAnswerError: it is another one.
        """
        if self.status != status:
            raise WrongAnswerError(f"{self.status} instead of {status}: {self.body[:200].decode(errors='replace')}")
        return self


class _Wire(asyncio.Protocol):
    """Puts the bytes of one answer together."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[Answer] | None = None
        self._buffer = b""
        self._body_at = 0
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError(f"The connection was closed before the answer ({exc})"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._body_at:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, end)
            self._body_at = end + 4
            self._size = self._body_at + (int(length[1]) if length else 0)
        if len(self._buffer) >= self._size and self.answer is not None and not self.answer.done():
            head, body = self._buffer[: self._body_at], self._buffer[self._body_at : self._size]
            self._buffer, self._body_at = b"", 0
            if self.transport is not None and _CLOSE.search(head):
                self.transport.close()
                self.transport = None
            self.answer.set_result(Answer(int(head[9:12]), body))


class Connection:
    """One client's connection, opened at first use and again after it was closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._fixed_head = f" HTTP/1.1\r\nhost: {parts.netloc}\r\n".encode()
        self._wire = _Wire()

    async def request(self, method: str, path: str, *, token: str = "", body: bytes | None = None) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            ConnectionError: the connection was lost on the way.
            TimeoutError: no answer came.
        """
        transport = self._wire.transport or await self._connect()
        head = [method.encode(), b" ", path.encode(), self._fixed_head]
        if token:
            head.append(b"authorization: Bearer " + token.encode() + b"\r\n")
        if body is not None:
            head.append(b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body))
        self._wire.answer = asyncio.get_running_loop().create_future()
        transport.write(b"".join([*head, b"\r\n", body or b""]))
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await self._wire.answer

    async def get(self, path: str, *, token: str = "") -> Any:
        """Ask for JSON that is there."""
        return (await self.request("GET", path, token=token)).expect(200).json()

    async def post(self, path: str, content: Any, *, token: str = "", status: int = 201) -> Any:
        """Send JSON and get some back."""
        answer = await self.request("POST", path, token=token, body=orjson.dumps(content))
        return answer.expect(status).json()

    def close(self) -> None:
        """Close the connection."""
        if self._wire.transport is not None:
            self._wire.transport.close()

    async def _connect(self) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        transport, self._wire = await loop.create_connection(_Wire, self._host, self._port)
        return transport
