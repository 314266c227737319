"""api on a database of each kind, migrated once and copied for every test."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.api.tests.kit import Api
from sextant_api.models import outbox
from sextant_api.schema import prepare
from sextant_shared.contract.routing import API
from sextant_shared.db import Database

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer


def _prepare(url: str) -> None:
    async def run() -> None:
        async with Database(url, source=API, outbox=outbox, pool_size=3) as db:
            await prepare(db)
            async with db.transaction() as tx:
                # what bootstrap tells is not what tests are about
                await tx.session.execute(outbox.delete())

    asyncio.run(run())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("api") / "template.db"
    _prepare(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: "PostgresServer") -> str:
    """A migrated PostgreSQL database to copy."""
    url = postgres.create_database("api_template")
    _prepare(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, with nothing in it but the first organization."""
    if request.param == "sqlite":
        path = tmp_path / "api.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite+aiosqlite:///{path}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database("api", template=request.getfixturevalue("postgres_template"))


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """api, running, without its periodic tasks."""
    running = Api(database_url)
    yield running
    await running.close()


@pytest.fixture
async def plain_api(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Api]:
    """The same on SQLite alone, for what is decided before any database is asked."""
    path = tmp_path / "plain.db"
    shutil.copy(sqlite_template, path)
    running = Api(f"sqlite+aiosqlite:///{path}")
    yield running
    await running.close()
