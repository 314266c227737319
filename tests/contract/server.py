"""The server under test: how to ask it, and how to take it back to where it was.

Two adapters with one face: the whole suite inside this process on SQLite files, and a running distributed suite on
PostgreSQL. Taking back means that every row is again as it was; ids go on, so nothing that was made in between is
mistaken for anything that is made later.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import asyncpg
import httpx2
import orjson
from pydantic import SecretStr

from sextant_shared.http.service import Server as UvicornServer
from sextant_shared.http.service import uvicorn_config
from sextant_standalone.app import Standalone, create_standalone
from sextant_standalone.settings import StandaloneSettings
from tests.shapes import Shape

ROOT_PASSWORD = "Conf-root-Pw1!"

_KEPT = ("alembic_version", "audit_log", "outbox", "inbox", "signing_keys")
"""Tables that are not taken back: they do not belong to the world."""
_WAITING = ("outbox", "mail_queue")
"""Tables in which something waits to be published or sent."""
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.002


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """Parsed JSON, or None if there is none."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            return None


class Server(Protocol):
    """What the replay needs of a server."""

    name: str
    base: str
    """Where it is, as clients see it."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Make one request; `path` begins with `/api` and holds the query."""
        ...

    def sockets(self) -> AbstractAsyncContextManager[str]:
        """Take sockets; gives the address for them."""
        ...

    async def settle(self) -> None:
        """Wait until everything that was announced has been heard."""
        ...

    async def keep(self, name: str) -> None:
        """Remember the state of now."""
        ...

    async def take_back(self, name: str) -> None:
        """Return to a remembered state."""
        ...


class _Asking:
    """The asking half, which both share."""

    base: str
    is_remote = False
    _client: httpx2.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        # white space around a value is none of its own on the wire
        shown = {name: value.strip() for name, value in (headers or {}).items()} if self.is_remote else headers
        request = self._client.build_request(method, self.base + path, headers=shown, content=content)
        for name in ("user-agent", "accept", "accept-encoding"):
            request.headers.pop(name, None)
        answer = await self._client.send(request)
        return Answer(answer.status_code, dict(answer.headers), answer.content)


class InProcess(_Asking):
    """All services in this process, asked without a network.

    Args:
        folder: for the databases.
    """

    name = "standalone"
    base = "http://sextant.test"

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._folder = folder
        self._settings = StandaloneSettings(data=folder / "data", root_password=SecretStr(ROOT_PASSWORD), **settings)
        self._jobs: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.standalone: Standalone = await create_standalone(self._settings)
        self._jobs = [asyncio.ensure_future(_named(task)) for task in self.standalone.tasks]
        transport = httpx2.ASGITransport(self.standalone.asgi, raise_app_exceptions=False)
        self._client = httpx2.AsyncClient(transport=transport)
        self._files = [_SqliteFile(path, self._folder) for path in sorted((self._folder / "data").glob("*.db"))]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        for job in self._jobs:
            job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._jobs, return_exceptions=True)
        for close in self.standalone.close:
            await close()
        for file in self._files:
            file.close()

    @asynccontextmanager
    async def sockets(self) -> AsyncIterator[str]:
        """Serve at a port too, for sockets; gives the address."""
        server = UvicornServer(
            uvicorn_config(self.standalone.asgi, self._settings, port=0, timeout_graceful_shutdown=2)
        )
        serving = asyncio.ensure_future(server.serve())
        await server.listening.wait()
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving

    async def settle(self) -> None:
        await _until(lambda: not any(file.waits() for file in self._files))
        for _ in range(20):  # what was published is handled by tasks that wait for nothing else
            await asyncio.sleep(0)

    async def keep(self, name: str) -> None:
        await self.settle()
        for file in self._files:
            await asyncio.to_thread(file.keep, name)

    async def take_back(self, name: str) -> None:
        await self.settle()
        for file in self._files:  # in a thread: whoever writes at the moment needs the loop to come to an end
            await asyncio.to_thread(file.take_back, name)
        for service in self.standalone.services:
            gate = getattr(service.app.state, "gate", None)
            if gate is not None:
                await gate.principals.forget_all()


class Running(_Asking):
    """A running distributed suite.

    Args:
        shape: of it.
    """

    name = "distributed"
    is_remote = True

    def __init__(self, shape: Shape) -> None:
        self.base = shape.url
        self._addresses = [url.replace("+asyncpg", "") for url in shape.database_urls.values()]

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_keepalive_connections=4))
        self._databases = [_PostgresDatabase(await asyncpg.connect(address)) for address in self._addresses]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        for database in self._databases:
            await database.close()

    @asynccontextmanager
    async def sockets(self) -> AsyncIterator[str]:
        """The address of the gateway, which takes sockets anyway."""
        yield self.base

    async def settle(self) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while any([await database.waits() for database in self._databases]):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("announcements were not published")
            await asyncio.sleep(_LOOK_SECONDS)

    async def keep(self, name: str) -> None:
        await self.settle()
        for database in self._databases:
            await database.keep(name)

    async def take_back(self, name: str) -> None:
        await self.settle()
        for database in self._databases:
            await database.take_back(name)


class _SqliteFile:
    """Copies of one database file."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous=OFF")
        rows = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'"
        )
        names = [name for (name,) in rows]
        self._waiting = [name for name in _WAITING if name in names]
        self._tables = [name for name in names if name not in _KEPT]

    def waits(self) -> bool:
        return any(
            self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # noqa: S608
            for table in self._waiting
        )

    def keep(self, name: str) -> None:
        copy = self._copy(name)
        copy.unlink(missing_ok=True)
        self._connection.execute("VACUUM INTO ?", (str(copy),))

    def take_back(self, name: str) -> None:
        self._connection.execute("ATTACH ? AS kept", (str(self._copy(name)),))
        statements = [
            f'DELETE FROM main."{table}"; INSERT INTO main."{table}" SELECT * FROM kept."{table}";'  # noqa: S608
            for table in self._tables
        ]
        self._connection.executescript(f"BEGIN IMMEDIATE; {' '.join(statements)} COMMIT; DETACH kept;")

    def close(self) -> None:
        self._connection.close()

    def _copy(self, name: str) -> Path:
        return self._folder / f"{self._path.stem}-{name}.kept"


class _PostgresDatabase:
    """Copies of one database's tables, in schemas of their own."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def waits(self) -> bool:
        for table in _WAITING:
            known = await self._connection.fetchval("SELECT to_regclass($1)", table)
            if known and await self._connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
                return True
        return False

    async def keep(self, name: str) -> None:
        schema = _schema(name)
        await self._connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        for table in await self._tables():
            await self._connection.execute(f'CREATE TABLE {schema}."{table}" AS TABLE public."{table}"')

    async def take_back(self, name: str) -> None:
        schema = _schema(name)
        statements = [
            f'DELETE FROM public."{table}"; INSERT INTO public."{table}" SELECT * FROM {schema}."{table}";'  # noqa: S608
            for table in await self._tables()
        ]
        await self._connection.execute(
            f"BEGIN; SET LOCAL session_replication_role = replica; {' '.join(statements)} COMMIT"
        )

    async def close(self) -> None:
        await self._connection.close()

    async def _tables(self) -> Sequence[str]:
        rows = await self._connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [row["tablename"] for row in rows if row["tablename"] not in _KEPT]


def _schema(name: str) -> str:
    return f'"kept_{name}"'


async def _until(done: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while not done():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("announcements were not published")
        await asyncio.sleep(_LOOK_SECONDS)


async def _named(task: Callable[[], Awaitable[None]]) -> None:
    await task()
