"""Runs a service's Alembic history, under a lock that lets one migrator work and the others wait.

Called by the one-shot `sextant migrate` and by standalone before it serves, never by a starting service.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db.engine import Database

_LOCK = 0x5E87A47
"""Key of the advisory lock; any number will do that no other program uses in our databases."""


def alembic_config(migrations: Path, metadata: MetaData) -> Config:
    """Make the configuration of one service's history.

    Args:
        migrations: folder with `env.py` and `versions/`.
        metadata: what the newest revision should amount to.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.attributes["metadata"] = metadata
    return config


async def migrate(
    db: Database,
    config: Config,
    *,
    then: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Bring the database to the newest revision, then run `then` (bootstrap) before the lock is given back.

    Args:
        db: the service's database.
        config: from `alembic_config`.
        then: must be safe to repeat.
    """
    async with db.engine.connect() as lock:
        if db.dialect == "postgresql":
            await lock.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            # the lock belongs to the session; holding a transaction open beside it would only block vacuum
            await lock.commit()
        try:
            async with db.engine.connect() as connection:
                await connection.run_sync(_upgrade, config)
                await connection.commit()
            if then is not None:
                await then()
        finally:
            if db.dialect == "postgresql":
                await lock.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                await lock.commit()


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def check_schema(db: Database, config: Config) -> None:
    """Make sure that the database is at the revision this code was written for.

    Raises:
        UnavailableError: it is not (yet), or does not answer.
    """
    head = ScriptDirectory.from_config(config).get_current_head()
    async with db.engine.connect() as connection:
        current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    if current != head:
        raise UnavailableError(f"the database is at revision {current}, this code needs {head}: run the migrations")


async def wait_for_schema(db: Database, config: Config, *, timeout_seconds: float = 60) -> None:
    """Wait until the one-shot migration is through.

    Raises:
        UnavailableError: it still is not after `timeout_seconds`.
    """
    async with asyncio.timeout(timeout_seconds):
        while True:
            try:
                await check_schema(db, config)
            except (UnavailableError, OSError):
                await asyncio.sleep(1)
            else:
                return
