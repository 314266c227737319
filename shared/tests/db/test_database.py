"""One class for the `Database` port, run over both dialects."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from sextant_shared.clock import SystemClock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeOnline
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database, Transaction, is_first_delivery, utc_now
from sextant_shared.ids import new_id

from .conftest import inbox, outbox, things

FACT = NodeOnline(node_id=1, name="n", organization_id=2, collaboration_id=3)


async def names(db: Database) -> list[str]:
    async with db.read() as session:
        return list((await session.execute(select(things.c.name).order_by(things.c.id))).scalars())


async def outbox_types(db: Database) -> list[str]:
    async with db.read() as session:
        rows: Iterable[dict[str, str]] = (
            await session.execute(select(outbox.c.envelope).order_by(outbox.c.id))
        ).scalars()
        return [row["type"] for row in rows]


async def add(tx: Transaction, name: str) -> int:
    added = await tx.session.execute(insert(things).values(name=name).returning(things.c.id))
    return added.scalar_one()


class TestDatabase:
    async def test_state_and_fact_become_true_together(self, db: Database) -> None:
        async with db.transaction() as tx:
            await add(tx, "a")
            tx.record(FACT)

        assert (["a"], ["node.online"]) == (await names(db), await outbox_types(db))

    async def test_neither_state_nor_fact_survives_an_error(self, db: Database) -> None:
        with pytest.raises(RuntimeError):
            async with db.transaction() as tx:
                await add(tx, "a")
                tx.record(FACT)
                raise RuntimeError

        assert ([], []) == (await names(db), await outbox_types(db))

    async def test_a_read_session_cannot_write(self, db: Database) -> None:
        async with db.read() as session:
            for statement in (insert(things).values(name="a"), things.update().values(name="b"), things.delete()):
                with pytest.raises(TypeError):
                    await session.execute(statement)

        assert await names(db) == []

    async def test_a_read_session_sees_what_was_committed_meanwhile(self, db: Database) -> None:
        async with db.transaction() as tx:
            await add(tx, "a")

        assert await names(db) == ["a"]

    async def test_a_commit_with_facts_wakes_and_one_without_does_not(self, db: Database) -> None:
        woken: list[str] = []
        db.on_commit(lambda: woken.append("woken"))

        async with db.transaction() as tx:
            await add(tx, "silent")
        async with db.transaction() as tx:
            tx.record(FACT)

        assert woken == ["woken"]

    async def test_the_unique_constraint_decides_a_race(self, db: Database) -> None:
        async def race() -> str:
            try:
                async with db.transaction() as tx:
                    await add(tx, "same")
            except IntegrityError:
                return "lost"
            return "won"

        results = await asyncio.gather(*(race() for _ in range(4)))

        assert sorted(results) == ["lost", "lost", "lost", "won"]

    async def test_an_id_is_never_given_out_again(self, db: Database) -> None:
        async with db.transaction() as tx:
            first = await add(tx, "first")
        async with db.transaction() as tx:
            await tx.session.execute(things.delete())
        async with db.transaction() as tx:
            second = await add(tx, "second")

        assert second > first

    async def test_times_come_back_aware_and_as_they_were(self, db: Database) -> None:
        moment = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
        async with db.transaction() as tx:
            await tx.session.execute(insert(things).values(name="a", made_at=moment))
        async with db.read() as session:
            stored = (await session.execute(select(things.c.made_at))).scalar_one()

        assert stored == moment
        assert stored.tzinfo is not None

    async def test_a_naive_time_is_refused(self, db: Database) -> None:
        with pytest.raises(Exception, match="must carry its zone"):
            async with db.transaction() as tx:
                await tx.session.execute(insert(things).values(name="a", made_at=datetime(2026, 1, 1)))  # noqa: DTZ001

    async def test_the_databases_clock_can_be_compared_with_stored_times(self, db: Database) -> None:
        async with db.transaction() as tx:
            now = SystemClock().now()
            await tx.session.execute(
                insert(things),
                [
                    {"name": "past", "made_at": now - timedelta(seconds=30)},
                    {"name": "future", "made_at": now + timedelta(seconds=30)},
                ],
            )
        async with db.read() as session:
            past = (await session.execute(select(things.c.name).where(things.c.made_at < utc_now()))).scalars().all()

        assert past == ["past"]

    async def test_a_message_is_new_once(self, db: Database) -> None:
        envelope = FACT.enclosed(message_id=new_id(), source="test", time=SystemClock().now())

        async with db.transaction() as tx:
            first = await is_first_delivery(tx, inbox, envelope)
        async with db.transaction() as tx:
            again = await is_first_delivery(tx, inbox, envelope)

        assert (True, False) == (first, again)

    async def test_a_message_whose_effects_were_rolled_back_is_new_again(self, db: Database) -> None:
        envelope: Envelope = FACT.enclosed(message_id=new_id(), source="test", time=SystemClock().now())

        with pytest.raises(RuntimeError):
            async with db.transaction() as tx:
                await is_first_delivery(tx, inbox, envelope)
                raise RuntimeError
        async with db.transaction() as tx:
            assert await is_first_delivery(tx, inbox, envelope)

    async def test_writers_take_turns(self, db: Database) -> None:
        async def write(number: int) -> None:
            async with db.transaction() as tx:
                await tx.session.execute(select(things.c.id))
                await add(tx, f"thing {number}")

        await asyncio.gather(*(write(number) for number in range(4)))

        assert len(await names(db)) == 4

    async def test_ping_is_content_with_a_database_that_answers(self, db: Database) -> None:
        await db.ping()


class TestPostgreSqlAway:
    async def test_nobody_listening_is_told_as_unavailable(self) -> None:
        async with Database("postgresql+asyncpg://x@127.0.0.1:1/x", source="test") as db:
            with pytest.raises(UnavailableError):
                await db.ping()

    async def test_a_pool_without_a_free_connection_is_told_as_unavailable(self, postgres: object) -> None:
        url = postgres.create_database("pool").replace("postgresql://", "postgresql+asyncpg://")  # type: ignore[attr-defined]
        async with Database(url, source="test", pool_size=1, acquire_seconds=0.2) as db, db.read() as holder:
            await holder.execute(text("SELECT 1"))
            with pytest.raises(UnavailableError):
                await db.ping()

    async def test_a_restarted_server_is_found_again(self, postgres: object) -> None:
        url = postgres.create_database("restart").replace("postgresql://", "postgresql+asyncpg://")  # type: ignore[attr-defined]
        async with Database(url, source="test") as db:
            await db.ping()
            with postgres.down():  # type: ignore[attr-defined]
                with pytest.raises(UnavailableError):
                    await db.ping()
                with pytest.raises(UnavailableError):
                    await db.ping()

            await db.ping()

    async def test_connections_that_ended_while_idle_are_replaced_without_an_error(self, postgres: object) -> None:
        url = postgres.create_database("shared")  # type: ignore[attr-defined]
        async with Database(url, source="test", pool_size=4) as db:
            opened = [await db.engine.connect() for _ in range(4)]
            idle = [(await each.get_raw_connection()).driver_connection for each in opened]
            for each in opened:
                await each.close()
            postgres.execute(  # type: ignore[attr-defined]
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()",
                database=url,
            )
            while not all(each is not None and each.is_closed() for each in idle):
                await asyncio.sleep(0.01)

            await asyncio.gather(*(db.ping() for _ in range(4)))

    async def test_a_question_over_which_its_connection_ends_is_asked_again(self, postgres: object) -> None:
        url = postgres.create_database("shared")  # type: ignore[attr-defined]
        async with Database(url, source="test") as db, db.read() as session:
            backend = text("SELECT pg_backend_pid()")
            before = (await session.execute(backend)).scalar_one()
            postgres.execute(f"SELECT pg_terminate_backend({before})")  # type: ignore[attr-defined]

            after = await session.scalar(backend)

            assert after not in (None, before)

    async def test_a_server_that_takes_no_more_connections_is_told_as_unavailable(self, postgres: object) -> None:
        url = postgres.create_database("crowded").replace("postgresql://", "postgresql+asyncpg://")  # type: ignore[attr-defined]
        role = f"crowded_{new_id().hex[:8]}"
        postgres.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 0")  # type: ignore[attr-defined]
        address = make_url(url).set(username=role, password="x").render_as_string(hide_password=False)
        async with Database(address, source="test") as db:
            with pytest.raises(UnavailableError):
                await db.ping()

    @pytest.mark.parametrize("sqlstate", ["08006", "53300", "57P01", "57P02", "57P03"])
    async def test_a_server_that_is_going_or_coming_is_told_as_unavailable(self, tmp_path: Path, sqlstate: str) -> None:
        class ServerError(Exception):
            pass

        error = ServerError()
        error.sqlstate = sqlstate  # type: ignore[attr-defined]
        async with Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", source="test") as db:
            with pytest.raises(UnavailableError):
                async with db.read():
                    raise DBAPIError("SELECT 1", {}, error)
