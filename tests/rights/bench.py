"""The server of the matrix: the whole suite in this process on SQLite, asked without a network, and watched.

Owns what happened to the databases: what a request changed is known table by table, and is taken back at once.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp

from sextant_shared.contract.routing import AUTH
from tests.contract.server import Answer, InProcess

from .tokens import Signer, signed

_NOT_OF_THE_WORLD = frozenset(
    {"alembic_version", "audit_log", "outbox", "inbox", "signing_keys", "event_history", "event_history_state"}
)
"""Tables that a refused request may write to, as evidence, or that only pass things on."""
_COPIES = frozenset({"vpn.nodes", "vpn.runs"})
"""What vpn-registry has learnt of api's: it asks before it can refuse, and keeps the answer."""


class Bench(InProcess):
    """A server whose state is compared and restored.

    Args:
        folder: for the databases.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._tables: list[_Tables] = []

    async def request(
        self, method: str, path: str, *, token: str | None, body: Any = None, app: ASGIApp | None = None
    ) -> Answer:
        """Ask as whoever has this token; one service directly, if it is given."""
        headers = []
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        content = b""
        if body is not None:
            content = orjson.dumps(body)
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"sextant.test"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("sextant.test", 80),
            "state": {},
        }
        return await _ask(app or self.standalone.asgi, scope, content)

    def signer(self) -> Signer:
        """What signs tokens as auth does, without the time that a login takes."""
        auth = next(service for service in self.standalone.services if service.name == AUTH)

        async def sign(token: str, **claims: Any) -> str:
            signing = await auth.app.state.parts.keyring.signing_key()
            return signed(token, signing.key, **claims)

        return sign

    def remember(self) -> None:
        """Take the state of now for the one to return to."""
        self._tables = [_Tables(path) for path in sorted((self._folder / "data").glob("*.db"))]

    async def changes(self) -> frozenset[str]:
        """Name the tables that are not as remembered."""
        touched = [tables.touched() for tables in self._tables]  # each has to look, or it looks back too far next time
        if not any(touched):
            return frozenset()
        await self.settle()
        return frozenset([name for tables in self._tables for name in await asyncio.to_thread(tables.changed)])

    async def restore(self, names: frozenset[str]) -> None:
        """Return tables to what they were; whose rights had changed has been forgotten when they did."""
        for tables in self._tables:
            await asyncio.to_thread(tables.restore, names)

    async def __aexit__(self, *about: object) -> None:
        for tables in self._tables:
            tables.close()
        await super().__aexit__(*about)


class _Tables:
    """The tables of one database, and a copy of them in memory."""

    def __init__(self, path: Path) -> None:
        self._database = path.stem
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("ATTACH ':memory:' AS kept")
        rows = self._connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'"
        )
        self._names = [
            name for (name,) in rows if name not in _NOT_OF_THE_WORLD and f"{self._database}.{name}" not in _COPIES
        ]
        for name in self._names:
            self._connection.execute(f'CREATE TABLE kept."{name}" AS SELECT * FROM main."{name}"')  # noqa: S608
        self._version = self._data_version()

    def touched(self) -> bool:
        """Whether anybody has written since this was asked last."""
        before, self._version = self._version, self._data_version()
        return before != self._version

    def changed(self) -> list[str]:
        """The tables whose rows are others now."""
        return [f"{self._database}.{name}" for name in self._names if self._differs(name)]

    def restore(self, names: Mapping[str, Any] | frozenset[str]) -> None:
        mine = [name for name in self._names if f"{self._database}.{name}" in names]
        if not mine:
            return
        statements = [
            f'DELETE FROM main."{name}"; INSERT INTO main."{name}" SELECT * FROM kept."{name}";'  # noqa: S608
            for name in mine
        ]
        self._connection.executescript(f"BEGIN IMMEDIATE; {' '.join(statements)} COMMIT;")
        self._version = self._data_version()

    def close(self) -> None:
        self._connection.close()

    def _differs(self, name: str) -> bool:
        now, then = f'SELECT * FROM main."{name}"', f'SELECT * FROM kept."{name}"'  # noqa: S608
        found = self._connection.execute(
            f"SELECT EXISTS({now} EXCEPT {then}) OR EXISTS({then} EXCEPT {now})"
        ).fetchone()
        return bool(found[0])

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA main.data_version").fetchone()[0])


async def _ask(app: ASGIApp, scope: dict[str, Any], content: bytes) -> Answer:
    status, headers, parts = 0, {}, []
    waiting = [{"type": "http.request", "body": content, "more_body": False}]
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, headers, b"".join(parts))
