"""vpn-registry on a database of each kind, migrated once and copied for every test."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sextant_shared.contract.routing import VPN_REGISTRY
from sextant_shared.db import Database
from sextant_vpn_registry.models import outbox
from sextant_vpn_registry.schema import prepare

from .kit import Registry

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer


def _prepare(url: str) -> None:
    async def run() -> None:
        async with Database(url, source=VPN_REGISTRY, outbox=outbox, pool_size=3) as db:
            await prepare(db)

    asyncio.run(run())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("vpn") / "template.db"
    _prepare(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: "PostgresServer") -> str:
    """A migrated PostgreSQL database to copy."""
    url = postgres.create_database("vpn_template")
    _prepare(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database."""
    if request.param == "sqlite":
        path = tmp_path / "vpn.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite+aiosqlite:///{path}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database("vpn", template=request.getfixturevalue("postgres_template"))


@pytest.fixture
async def registry(database_url: str) -> AsyncIterator[Registry]:
    """vpn-registry, running, without its periodic tasks."""
    running = Registry(database_url)
    yield running
    await running.close()


@pytest.fixture
async def plain_registry(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Registry]:
    """The same on SQLite alone, for what is decided before any database is asked."""
    path = tmp_path / "plain.db"
    shutil.copy(sqlite_template, path)
    running = Registry(f"sqlite+aiosqlite:///{path}")
    yield running
    await running.close()
