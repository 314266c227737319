"""auth on a database of each kind, migrated once and copied for every test."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from services.auth.tests.kit import KEY_SECRET, ROOT_PASSWORD, Auth, running
from sextant_auth.models import outbox
from sextant_auth.schema import prepare
from sextant_shared.contract.routing import AUTH
from sextant_shared.db import Database

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer


def _prepare(url: str) -> None:
    async def run() -> None:
        async with Database(url, source=AUTH, outbox=outbox, pool_size=3) as db:
            await prepare(db, key_encryption_secret=KEY_SECRET, root_password=SecretStr(ROOT_PASSWORD))

    asyncio.run(run())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("auth") / "template.db"
    _prepare(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: "PostgresServer") -> str:
    """A migrated PostgreSQL database to copy."""
    url = postgres.create_database("auth_template")
    _prepare(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, with what the bootstrap makes."""
    if request.param == "sqlite":
        path = tmp_path / "auth.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite+aiosqlite:///{path}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database("auth", template=request.getfixturevalue("postgres_template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it at all."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database("auth_empty")


@pytest.fixture
async def auth(database_url: str) -> AsyncIterator[Auth]:
    """auth, running, without its periodic tasks."""
    async with running(database_url) as service:
        yield service


@pytest.fixture
async def auth_on_sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Auth]:
    """The same on SQLite alone, for what no database has a say in."""
    path = tmp_path / "auth.db"
    shutil.copy(sqlite_template, path)
    async with running(f"sqlite+aiosqlite:///{path}") as service:
        yield service
