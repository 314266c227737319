"""The `Database` port's two adapters are two dialects of one engine; what differs between them is set up here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, Self

from sqlalchemy import Connection, Result, Table, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from sextant_shared.clock import Clock, SystemClock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db.transaction import Transaction

_WRITES = "sextant_writes"
"""Execution option that tells SQLite to take the write lock at once instead of failing half-way."""

_AWAY = ("08", "53", "57P")
"""SQLSTATE classes (PostgreSQL, appendix A): connection lost, no resources, shutting down or starting."""

_STATEMENT_TIMEOUT_MS = 30_000
_LOCK_WAIT_SECONDS = 5


class Database:
    """One service's database.

    Args:
        url: SQLAlchemy address with an async driver (`postgresql+asyncpg`, `sqlite+aiosqlite`).
        source: the owning service's name, the `source` of the facts it records.
        outbox: the table for facts, None for a service that tells none.
        pool_size: connections kept at most (PostgreSQL).
        acquire_seconds: how long to wait for a free one.
        clock: stamps recorded facts.
    """

    def __init__(
        self,
        url: str,
        *,
        source: str,
        outbox: Table | None = None,
        pool_size: int = 15,
        acquire_seconds: float = 2.0,
        clock: Clock | None = None,
    ) -> None:
        self.url = url
        self._source = source
        self._outbox = outbox
        self._clock = clock or SystemClock()
        self._after_commit: list[Callable[[], None]] = []
        self.engine = _make_engine(url, pool_size=pool_size, acquire_seconds=acquire_seconds)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self._reader = (
            self.engine if self.dialect == "sqlite" else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        # SQLite has one writer at a time and lets the others poll for their turn, some of them in vain.
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else None

    @property
    def dialect(self) -> Literal["postgresql", "sqlite"]:
        """Which of the two it is."""
        return "sqlite" if self.engine.dialect.name == "sqlite" else "postgresql"

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each commit that recorded facts; it must only set a flag, and never block."""
        self._after_commit.append(callback)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries alone.

        Each statement sees what was committed when it began, as in PostgreSQL's ordinary transactions; without one
        around them, two round trips are saved.

        Raises:
            UnavailableError: the database does not answer, or no connection became free in time.
            TypeError: it was used to write.
        """
        with _unavailable_when_lost():
            async with AsyncSession(
                self._reader, sync_session_class=_ReadSession, expire_on_commit=False, autoflush=False
            ) as session:
                yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A unit of work, committed when the block ends and rolled back when it raises.

        Raises:
            UnavailableError: the database does not answer, or no connection became free in time.
        """
        with _unavailable_when_lost():
            async with self._turn_to_write(), AsyncSession(self._writer, expire_on_commit=False) as session:
                tx = Transaction(session, outbox=self._outbox, source=self._source, clock=self._clock)
                yield tx
                await session.flush()
                await tx.write_outbox()
                await session.commit()
        if tx.recorded:
            for callback in self._after_commit:
                callback()

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        """Wait in line where only one may write: first come, first served.

        Raises:
            TimeoutError: the line is too long.
        """
        if self._turn is None:
            yield
            return
        async with asyncio.timeout(_LOCK_WAIT_SECONDS):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            UnavailableError: there is none.
        """
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


class _ReadSession(Session):
    """A session that nothing can be written with: on PostgreSQL nobody would take it back."""


@event.listens_for(_ReadSession, "do_orm_execute")
def _read(state: ORMExecuteState) -> Result[Any]:
    """Ask nothing but questions; once more where the connection was lost over one, which nobody needs to notice."""
    if state.is_insert or state.is_update or state.is_delete:
        raise TypeError("a read session cannot write; open a transaction")
    try:
        return state.invoke_statement()
    except DBAPIError as error:
        if not _is_lost(error):
            raise
        state.session.rollback()  # lets go of the lost connection
        return state.invoke_statement()


def _make_engine(url: str, *, pool_size: int, acquire_seconds: float) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed, connect_args={"timeout": _LOCK_WAIT_SECONDS})
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    engine = create_async_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=acquire_seconds,
        pool_recycle=1800,
        pool_use_lifo=True,
        connect_args={
            "timeout": acquire_seconds,
            "server_settings": {
                "application_name": "sextant",
                "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(_STATEMENT_TIMEOUT_MS),
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _require_open)
    return engine


def _require_open(connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Have the pool make a new connection in place of one that ended while nobody used it; costs no question."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _unavailable_when_lost:  # noqa: N801 - reads as the statement it makes
    """Turns "the database is not there" into an answer for the client; other database errors pass."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PoolTimeoutError) or (error is not None and _is_lost(error)):
            raise UnavailableError("The database is not available at the moment") from error


def _is_lost(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        if isinstance(error, OperationalError | InterfaceError):
            return True
        # asyncpg's classes for "the server is going, gone or not there yet" arrive as a plain DBAPIError
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or sqlstate.startswith(_AWAY)
    # a refused or timed-out connect comes from asyncpg as it is, not wrapped
    return isinstance(error, ConnectionError | TimeoutError)
