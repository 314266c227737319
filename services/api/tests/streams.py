"""Requests and answers in pieces: what httpx2's transport would gather before anybody sees it goes by one at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message


@dataclass
class Answer:
    """What came back.

    Attributes:
        status: None if nothing did.
        headers: by lower-case name.
        body: all of it, unless somebody else took its pieces.
        complete: whether the end of it came.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False

    def json(self) -> Any:
        """Read the body."""
        return orjson.loads(self.body)


async def exchange(
    app: ASGIApp,
    method: str,
    path: str,
    token: str,
    pieces: AsyncIterator[bytes] | None = None,
    *,
    cut: bool = False,
    take: Callable[[bytes], None] | None = None,
) -> Answer:
    """Send a request whose body comes in pieces.

    Args:
        app: to send it to.
        method: of the request.
        path: of the request.
        token: of the caller.
        pieces: of the body; the next is asked for when the application wants it.
        cut: let the connection break after the last piece.
        take: is given the pieces of the answer's body.
    """
    answer = Answer()
    ended = False

    async def receive() -> Message:
        nonlocal ended
        if ended:
            # as a server does: nothing comes any more until the client goes
            await asyncio.Event().wait()
        piece = None if pieces is None else await anext(pieces, None)
        if piece is not None:
            return {"type": "http.request", "body": piece, "more_body": True}
        ended = True
        return {"type": "http.disconnect"} if cut else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            return
        piece = message.get("body", b"")
        if take is None:
            answer.body += piece
        else:
            take(piece)
        answer.complete = not message.get("more_body", False)

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("api", 80),
        },
        receive,
        send,
    )
    return answer


async def each(*pieces: bytes) -> AsyncIterator[bytes]:
    """Give pieces one after the other."""
    for piece in pieces:
        yield piece
