"""A stand-in for one replica of a service: it answers every request with what arrived.

Owns one listening socket and the record of what came in. It can be made unready, silent or dead at
will, which a real service cannot.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
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
        arrivals: the requests it got, health checks aside, in order.
    """

    service: str
    port: int
    is_ready: bool = True
    deaths: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

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
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Die: close the listening socket and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        arrival = await _read_request(reader)
        path = arrival.target.partition("?")[0]
        if path == "/livez":
            return await _respond(writer, 200, {})
        if path == "/readyz":
            return await _respond(writer, 200 if self.is_ready else 503, {})
        self.arrivals.append(arrival)
        if self.deaths:
            self.deaths -= 1
            return False
        if arrival.headers.get("upgrade") == "websocket":
            writer.write(_switching(arrival.headers["sec-websocket-key"]))
            while data := await reader.read(1024):
                writer.write(data)
                await writer.drain()
            return False
        status = 200 if self.is_ready else 503
        return await _respond(writer, status, {"service": self.service, "name": self.name, "headers": arrival.headers})


def _switching(key: str) -> bytes:
    digest = hashlib.sha1(f"{key}{_WEBSOCKET_GUID}".encode(), usedforsecurity=False).digest()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n"
    ).encode()


async def _read_request(reader: asyncio.StreamReader) -> Arrival:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Arrival(method, target, headers, body)


async def _respond(writer: asyncio.StreamWriter, status: int, content: object) -> bool:
    body = json.dumps(content).encode()
    writer.write(
        f"HTTP/1.1 {status} Text\r\nServer: stub\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    return True
