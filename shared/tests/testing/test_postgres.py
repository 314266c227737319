from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from sextant_shared.testing.backing import BackingServers, UnavailableError

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg:", "postgresql:")


def test_a_started_server_answers(postgres: PostgresServer) -> None:
    assert postgres.execute("SELECT 1") == [(1,)]


async def test_a_server_answers_inside_a_running_event_loop(postgres: PostgresServer) -> None:
    assert postgres.execute("SELECT 1", "SELECT 2") == [(2,)]


def test_a_failing_statement_raises_at_its_caller(postgres: PostgresServer) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        postgres.execute("SELEKT 1")


def test_databases_of_one_name_are_fresh_and_apart(postgres: PostgresServer) -> None:
    first, second = postgres.create_database("apart"), postgres.create_database("apart")
    postgres.execute("CREATE TABLE things (id int)", database=first)

    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'things'"
    assert [postgres.execute(tables, database=url) for url in (first, second)] == [[(1,)], [(0,)]]


def test_a_database_made_from_a_template_holds_what_the_template_holds(postgres: PostgresServer) -> None:
    template = postgres.create_database("template")
    postgres.execute("CREATE TABLE things AS SELECT 7 AS id", database=template)

    copy = postgres.create_database("copy", template=template)

    assert postgres.execute("SELECT id FROM things", database=copy) == [(7,)]


def test_a_name_that_is_not_plain_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(ValueError, match="not a plain database name"):
        postgres.create_database('x"; DROP DATABASE postgres; --')


async def test_a_killed_server_drops_its_clients_and_comes_back_with_what_was_committed(
    postgres: PostgresServer,
) -> None:
    url = postgres.create_database("killed")
    client = await asyncpg.connect(_plain(url))
    await client.execute("CREATE TABLE things AS SELECT 7 AS id")
    dropped = asyncio.Event()
    client.add_termination_listener(lambda _: dropped.set())

    with postgres.down():
        async with asyncio.timeout(10):
            await dropped.wait()
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(_plain(url))

    assert postgres.execute("SELECT id FROM things", database=url) == [(7,)]


def test_a_stopped_server_starts_again_at_the_same_address(postgres: PostgresServer) -> None:
    postgres.stop()
    postgres.start()

    assert postgres.execute("SELECT 1") == [(1,)]


def test_a_server_that_the_environment_names_is_used_cleaned_up_and_never_stopped(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEXTANT_TEST_POSTGRES", postgres.url)

    with BackingServers() as servers:
        url = servers.postgres.create_database("foreign")
        answer = servers.postgres.execute("SELECT 1", database=url)
        with pytest.raises(UnavailableError, match="unset SEXTANT_TEST_POSTGRES"):
            servers.postgres.kill()

    assert answer == [(1,)]
    assert postgres.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'foreign%'") == [(0,)]
