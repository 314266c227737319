"""The outbox: facts wait here, in the owner's database, until the broker has confirmed them.

Ordering: one dispatcher publishes in the order of the rows. Several replicas share the rows by
`FOR UPDATE SKIP LOCKED`, so between replicas order is not promised; consumers that care compare versions.
Guarantee: a row is deleted only after its confirm (on PostgreSQL in the transaction that locked it). A dispatcher
killed between the two publishes again, so consumers see a fact at least once.
Wake-up: at commit in the same process, by NOTIFY from other replicas (PostgreSQL), and by a slow poll that alone
would be enough.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import structlog
from sqlalchemy import JSON, Column, MetaData, Table, Uuid, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.db.engine import Database
from sextant_shared.db.model import UtcDateTime, id_column, utc_now
from sextant_shared.telemetry import OUTBOX_LAG_SECONDS, OUTBOX_PENDING, OUTBOX_PUBLISHED

_log = structlog.get_logger(__name__)

NOTIFY_CHANNEL = "sextant_outbox"
_BATCH = 200
_POLL_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_LISTEN_CONNECT_SECONDS = 5.0


def outbox_table(metadata: MetaData) -> Table:
    """Declare the outbox in a service's metadata."""
    return Table(
        "outbox",
        metadata,
        id_column(),
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("envelope", JSON, nullable=False),
        Column("recorded_at", UtcDateTime, nullable=False, server_default=utc_now()),
        sqlite_autoincrement=True,
    )


NOTIFY_TRIGGER_UP = (
    f"""
    CREATE FUNCTION notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('{NOTIFY_CHANNEL}', ''); RETURN NULL; END $$
    """,
    "CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox()",
)
"""For the first migration of a service with an outbox, on PostgreSQL: replicas hear of each other's rows."""

Publish = Callable[[Sequence[Envelope]], Awaitable[None]]
"""Returns when the broker has confirmed all; raises `UnavailableError` when it cannot say so."""


class OutboxDispatcher:
    """Publishes what waits in one service's outbox."""

    def __init__(self, db: Database, table: Table, publish: Publish, *, service: str) -> None:
        self._db = db
        self._table = table
        self._publish = publish
        self._service = service
        self._woken = asyncio.Event()
        db.on_commit(self.wake)

    def wake(self) -> None:
        """Look at the outbox soon."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        async with AsyncExitStack() as stack:
            if self._db.dialect == "postgresql":
                listener = asyncio.create_task(self._listen())
                stack.callback(listener.cancel)
            while True:
                self._woken.clear()
                try:
                    sent = await self.dispatch_once()
                except UnavailableError as error:
                    _log.warning("outbox_waits", reason=error.msg)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                if sent < _BATCH:
                    await self._wait()

    async def dispatch_once(self) -> int:
        """Publish one batch; returns how many facts it held.

        Raises:
            UnavailableError: the broker or the database is away; nothing is lost.
        """
        if self._db.dialect == "sqlite":
            # One process is all there is, and a transaction held while publishing would keep all its writers out.
            async with self._db.read() as session:
                rows = await self._waiting(session)
            if rows:
                await self._publish(_envelopes(rows))
                async with self._db.transaction() as tx:
                    await self._delete(tx.session, rows)
        else:
            async with self._db.transaction() as tx:
                rows = await self._waiting(tx.session)
                if rows:
                    await self._publish(_envelopes(rows))
                    await self._delete(tx.session, rows)
        if rows:
            OUTBOX_PUBLISHED.labels(self._service).inc(len(rows))
        else:
            OUTBOX_PENDING.labels(self._service).set(0)
            OUTBOX_LAG_SECONDS.labels(self._service).set(0)
        return len(rows)

    async def _waiting(self, session: AsyncSession) -> Sequence[Any]:
        table = self._table
        query = select(table.c.id, table.c.envelope).order_by(table.c.id).limit(_BATCH)
        return (await session.execute(query.with_for_update(skip_locked=True))).all()

    async def _delete(self, session: AsyncSession, rows: Sequence[Any]) -> None:
        table = self._table
        await session.execute(table.delete().where(table.c.id.in_([row.id for row in rows])))

    async def measure(self) -> tuple[int, float]:
        """Count what waits, and tell the age in seconds of the oldest."""
        table = self._table
        async with self._db.read() as session:
            count, oldest, now = (
                await session.execute(select(func.count(), func.min(table.c.recorded_at), utc_now()).select_from(table))
            ).one()
        lag = (now - oldest).total_seconds() if oldest is not None else 0.0
        OUTBOX_PENDING.labels(self._service).set(count)
        OUTBOX_LAG_SECONDS.labels(self._service).set(lag)
        return count, lag

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _listen(self) -> None:
        dsn = make_url(self._db.url).set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            lost = asyncio.Event()
            try:
                connection = await asyncpg.connect(dsn, timeout=_LISTEN_CONNECT_SECONDS)
                try:
                    connection.add_termination_listener(lambda _connection, lost=lost: lost.set())
                    await connection.add_listener(NOTIFY_CHANNEL, lambda *_args: self.wake())
                    self.wake()
                    await lost.wait()
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("outbox_listener_lost", reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


def _envelopes(rows: Sequence[Any]) -> list[Envelope]:
    return [Envelope.model_validate(row.envelope) for row in rows]
