"""SQLite has one writer at a time; here is how the others wait."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database, engine

from .conftest import metadata, things


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", source="test") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield database


async def add(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        await tx.session.execute(things.insert().values(name=name))


async def names(db: Database) -> list[str]:
    async with db.read() as session:
        return list((await session.execute(select(things.c.name).order_by(things.c.id))).scalars())


async def test_writers_get_their_turn_in_the_order_in_which_they_came(db: Database) -> None:
    expected = [f"writer-{number}" for number in range(100)]

    await asyncio.gather(*(add(db, name) for name in expected))

    assert expected == await names(db)


async def test_a_writer_that_waits_too_long_is_told_so(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LOCK_WAIT_SECONDS", 0.01)
    async with db.transaction() as tx:
        await tx.session.execute(things.insert().values(name="first"))
        with pytest.raises(UnavailableError):
            await add(db, "second")

    assert await names(db) == ["first"]


async def test_a_writer_that_fails_or_gives_up_lets_the_next_one_on(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction():
            raise RuntimeError("no luck")

    failing, leaving, last = (asyncio.create_task(work) for work in (fail(), add(db, "leaving"), add(db, "last")))
    await asyncio.sleep(0)
    leaving.cancel()
    outcomes = await asyncio.gather(failing, leaving, last, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [RuntimeError, asyncio.CancelledError, type(None)]
    assert await names(db) == ["last"]


async def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    await add(db, "before")
    async with db.transaction() as tx:
        await tx.session.execute(things.insert().values(name="not yet"))

        assert await names(db) == ["before"]
