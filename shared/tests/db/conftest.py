"""A database of each kind, with an outbox, an inbox and one plain table."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table, text

from sextant_shared.db import NAMING, Database, UtcDateTime, inbox_table, outbox_table, utc_now
from sextant_shared.db.model import id_column
from sextant_shared.db.outbox import NOTIFY_TRIGGER_UP

metadata = MetaData(naming_convention=NAMING)
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
things = Table(
    "things",
    metadata,
    id_column(),
    Column("name", String(20), nullable=False, unique=True),
    Column("made_at", UtcDateTime, nullable=False, server_default=utc_now()),
    sqlite_autoincrement=True,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    made: str = request.getfixturevalue("postgres").create_database("shared")
    return made.replace("postgresql://", "postgresql+asyncpg://")


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with Database(url, source="test", outbox=outbox, pool_size=4, acquire_seconds=0.5) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            if database.dialect == "postgresql":
                for statement in NOTIFY_TRIGGER_UP:
                    await connection.execute(text(statement))
        yield database
