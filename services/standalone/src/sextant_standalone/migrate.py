"""The one-shot of the distributed shapes.

Brings every service's database to the newest schema and makes the first entities, before any service starts.
"""

from pydantic import Field, SecretStr

from sextant_api.schema import prepare as prepare_api
from sextant_auth.schema import prepare as prepare_auth
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.db import Database
from sextant_shared.settings import LoggingSettings, database_url


class MigrateSettings(LoggingSettings):
    """Where the databases are. Each setting may be given as a file, like all others."""

    auth_database_url: str = Field(description="Database of auth, without password")
    auth_database_password: SecretStr | None = Field(default=None, description="Password for it")
    api_database_url: str = Field(description="Database of api, without password")
    api_database_password: SecretStr | None = Field(default=None, description="Password for it")
    key_encryption_secret: SecretStr = Field(description="Under which auth encrypts signing keys and second factors")
    root_password: SecretStr | None = Field(default=None, description="Password of the first user; else one is made up")


async def migrate_all(settings: MigrateSettings) -> str | None:
    """Migrate and bootstrap; returns the root password if one was made up.

    Raises:
        UnavailableError: a database does not answer.
    """
    async with Database(
        database_url(settings.api_database_url, settings.api_database_password), source=API, pool_size=3
    ) as db:
        await prepare_api(db)
    async with Database(
        database_url(settings.auth_database_url, settings.auth_database_password), source=AUTH, pool_size=3
    ) as db:
        return await prepare_auth(
            db, root_password=settings.root_password, key_encryption_secret=settings.key_encryption_secret
        )
