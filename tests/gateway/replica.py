"""A stand-in for one replica of a service: it answers every request with what arrived.

Owns one listening socket and the record of what came in. It can be made unready, silent or dead at
will, which a real service cannot.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
from dataclasses import dataclass, field
from typing import Self

# the constant with which RFC 6455 has a server prove that it understood the handshake
_WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Arrival:
    """A request as the replica saw it, header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Replica:
    """One process of a service, as far as the gateway can tell.

    Attributes:
        service: the service it plays.
        port: the loopback port it listens on.
        is_ready: what `/readyz` says.
        deaths: with how many more requests in its hands it closes the connection without a word.
        begins: the session that its answers begin, as relay says it.
        arrivals: the requests it got, health checks aside, in order.
    """

    service: str
    port: int
    is_ready: bool = True
    deaths: int = 0
    begins: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    _listener: socket.socket | None = None
    _connections: dict[asyncio.Task[None], socket.socket] = field(default_factory=dict)
    _accepting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What it calls itself in its answers."""
        return f"{self.service}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(0)
        self._accepting = asyncio.create_task(self._accept(self._listener))

    async def stop(self) -> None:
        """Die: close the listening socket and every connection."""
        if self._listener is None or self._accepting is None:
            return
        await _end({self._accepting})
        self._listener.close()
        self._listener = None
        await _end(set(self._connections))

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            task = asyncio.create_task(self._serve(_Stream(connection)))
            self._connections[task] = connection
            task.add_done_callback(lambda done: self._connections.pop(done).close())

    async def _serve(self, stream: _Stream) -> None:
        with contextlib.suppress(ConnectionError):
            while await self._answer(stream):
                pass

    async def _answer(self, stream: _Stream) -> bool:
        """Answer one request; tell whether the connection stays."""
        arrival = await _read_request(stream)
        path = arrival.target.partition("?")[0]
        if path == "/livez":
            return await _respond(stream, 200, {})
        if path == "/readyz":
            return await _respond(stream, 200 if self.is_ready else 503, {})
        self.arrivals.append(arrival)
        if self.deaths:
            self.deaths -= 1
            return False
        if arrival.headers.get("upgrade") == "websocket":
            await stream.send(_switching(arrival.headers["sec-websocket-key"]))
            while True:
                await stream.send(await stream.receive())
        content = {"service": self.service, "name": self.name, "headers": arrival.headers}
        extra = f"X-Sextant-Session: {self.begins}\r\n" if self.begins else ""
        return await _respond(stream, 200 if self.is_ready else 503, content, extra)


class _Stream:
    """A connection's bytes. Plain sockets, because asyncio's streams cannot be closed for certain."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self._connection = connection
        self._buffer = b""

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def receive(self) -> bytes:
        """Return what has arrived, at least one byte.

        Raises:
            ConnectionError: the other side closed.
        """
        data = self._buffer or await asyncio.get_running_loop().sock_recv(self._connection, 65_536)
        self._buffer = b""
        if not data:
            raise ConnectionError("closed by the other side")
        return data

    async def receive_until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += await self.receive()
        head, _, self._buffer = data.partition(end)
        return head

    async def receive_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += await self.receive()
        data, self._buffer = data[:size], data[size:]
        return data


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _switching(key: str) -> bytes:
    digest = hashlib.sha1(f"{key}{_WEBSOCKET_GUID}".encode(), usedforsecurity=False).digest()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n"
    ).encode()


async def _read_request(stream: _Stream) -> Arrival:
    head = (await stream.receive_until(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await stream.receive_exactly(int(headers.get("content-length", 0)))
    return Arrival(method, target, headers, body)


async def _respond(stream: _Stream, status: int, content: object, extra: str = "") -> bool:
    body = json.dumps(content).encode()
    await stream.send(
        f"HTTP/1.1 {status} Text\r\nServer: stub\r\n{extra}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return True
