"""The schema of auth's database: its history, and what must be in it from the start.

Used by the one-shot migration and by standalone, never by a starting service (which only waits for the result).
"""

from pathlib import Path

from alembic.config import Config
from pydantic import SecretStr

from sextant_auth.bootstrap import bootstrap
from sextant_auth.models import metadata
from sextant_shared.db import Database
from sextant_shared.db.migration import alembic_config, migrate


def alembic() -> Config:
    """The configuration of auth's history."""
    return alembic_config(Path(__file__).parent / "migrations", metadata)


async def prepare(
    db: Database, *, key_encryption_secret: SecretStr, root_password: SecretStr | None = None
) -> str | None:
    """Migrate, then fill in rules, default roles, the first user and the first signing key. Safe to repeat.

    Args:
        db: auth's database.
        key_encryption_secret: as the service will have it.
        root_password: of the first user; one is generated when none is given.

    Returns:
        The generated password, to be shown once; None if none was needed.
    """
    generated: list[str] = []

    async def fill() -> None:
        password = await bootstrap(db, key_encryption_secret=key_encryption_secret, root_password=root_password)
        if password is not None:
            generated.append(password)

    await migrate(db, alembic(), then=fill)
    return generated[0] if generated else None
