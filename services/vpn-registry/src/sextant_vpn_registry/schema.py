"""The schema of vpn-registry's database: its history.

Used by the one-shot migration and by standalone, never by a starting service (which only waits for the result).
"""

from pathlib import Path

from alembic.config import Config

from sextant_shared.db import Database
from sextant_shared.db.migration import alembic_config, migrate
from sextant_vpn_registry.models import metadata


def alembic() -> Config:
    """The configuration of vpn-registry's history."""
    return alembic_config(Path(__file__).parent / "migrations", metadata)


async def prepare(db: Database) -> None:
    """Migrate; there is nothing to be filled in. Safe to repeat."""
    await migrate(db, alembic())
