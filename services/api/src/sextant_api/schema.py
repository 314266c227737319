"""The schema of api's database: its history, and what must be in it from the start.

Used by the one-shot migration and by standalone, never by a starting service (which only waits for the result).
"""

from pathlib import Path

from alembic.config import Config

from sextant_api.bootstrap import bootstrap
from sextant_api.models import metadata
from sextant_shared.db import Database
from sextant_shared.db.migration import alembic_config, migrate


def alembic() -> Config:
    """The configuration of api's history."""
    return alembic_config(Path(__file__).parent / "migrations", metadata)


async def prepare(db: Database) -> None:
    """Migrate, then make the first organization. Safe to repeat."""
    await migrate(db, alembic(), then=lambda: bootstrap(db))
