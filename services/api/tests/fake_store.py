"""A stand-in for an algorithm store, over real HTTP: it remembers what it was asked, and can be told how to answer.

It knows what the wire says of stores: who trusts which server, and which image has which digest.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from sextant_shared.http.service import Server

DIGEST = "sha256:" + "ab" * 32

# several stores, by number, are one here
_BASE = re.compile(r"^/api/(\d+/)?")


@dataclass
class Asked:
    """One question.

    Attributes:
        method: of the request.
        path: below the store's URL.
        query: as it was written.
        headers: by lower-case name.
        json: of the body.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any


@dataclass
class FakeStore:
    """A store that is served below `/api` at `port`.

    Attributes:
        port: that it listens at.
        asked: all questions so far.
        servers: URLs that it trusts, by id.
        algorithms: digests, by image.
        answers: what it answers instead, by method and path; a body of bytes goes out as it is.
        headers: of these answers.
        held: answers wait for this.
    """

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    servers: dict[int, str] = field(default_factory=dict)
    algorithms: dict[str, str | None] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    held: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/api"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        asked = Asked(
            method=scope["method"],
            path=_BASE.sub("", scope["path"]),
            query=scope["query_string"].decode(),
            headers={name.decode().lower(): value.decode() for name, value in scope["headers"]},
            json=orjson.loads(body) if body else None,
        )
        self.asked.append(asked)
        if self.held is not None:
            await self.held.wait()
        status, content = self.answers.get((asked.method, asked.path)) or self._answer(asked)
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        payload = content if isinstance(content, bytes) else orjson.dumps(content)
        await send({"type": "http.response.body", "body": payload})

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        trusted = asked.headers.get("server_url") in self.servers.values()
        if (asked.method, asked.path) == ("POST", "vantage6-server"):
            self.servers[len(self.servers) + 1] = asked.json["url"]
            return 201, {"id": len(self.servers)}
        if not trusted:
            return 403, {"msg": "This server is not trusted"}
        if (asked.method, asked.path) == ("GET", "vantage6-server"):
            return 200, [{"id": server_id, "url": url} for server_id, url in self.servers.items()]
        if asked.method == "DELETE":
            del self.servers[int(asked.path.rpartition("/")[2])]
            return 200, {"msg": "gone"}
        found = [
            {"image": image, "digest": digest}
            for image, digest in self.algorithms.items()
            if f"image={image.replace('/', '%2F').replace(':', '%3A')}" in asked.query
        ]
        return 200, {"data": found, "links": {}}


@asynccontextmanager
async def serving(store: FakeStore, *, certificate: str | None = None, key: str | None = None) -> AsyncIterator[None]:
    """Serve a store, over TLS if there is a certificate."""
    async with listening(store, certificate=certificate, key=key) as store.port:
        try:
            yield
        finally:
            if store.held is not None:
                store.held.set()


@asynccontextmanager
async def listening(app: ASGIApp, *, certificate: str | None = None, key: str | None = None) -> AsyncIterator[int]:
    """Serve an application, and tell at which port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_config=None,
        access_log=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    server = Server(config)
    running = asyncio.create_task(server.serve())
    await server.listening.wait()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running
