"""Begins a new epoch of the history of events: for api's database in the data folder, or wherever the settings name.

A database that was restored from a backup gives out offsets again that somebody has seen with other events.
"""

from pathlib import Path
from uuid import UUID, uuid4

from pydantic import Field, SecretStr

from sextant_api.history.repository import begin_epoch
from sextant_api.models import outbox
from sextant_shared.contract.routing import API
from sextant_shared.db import Database
from sextant_shared.settings import LoggingSettings, database_url


class EpochSettings(LoggingSettings):
    """Where api's database is."""

    data: Path = Field(default=Path("data"), description="Folder of a standalone server, without a database address")
    api_database_url: str = Field(default="", description="Database of api, without password")
    api_database_password: SecretStr | None = Field(default=None, description="Password for it")


async def begin_new_epoch(settings: EpochSettings) -> UUID:
    """Forget the history and begin a new one; running servers may stay as they are.

    Raises:
        FileNotFoundError: there is no server in the data folder.
        UnavailableError: the database does not answer.
    """
    address = settings.api_database_url
    if not address:
        file = settings.data / "api.db"
        if not file.exists():
            raise FileNotFoundError(f"There is no server in {settings.data}")
        address = f"sqlite+aiosqlite:///{file}"
    epoch = uuid4()
    async with (
        Database(database_url(address, settings.api_database_password), source=API, outbox=outbox, pool_size=1) as db,
        db.transaction() as tx,
    ):
        await begin_epoch(tx.session, epoch)
    return epoch
