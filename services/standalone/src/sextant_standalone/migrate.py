"""The one-shot of the distributed shapes.

Brings every service's database to the newest schema and makes the first entities, before any service starts.
"""

from pydantic import Field, SecretStr

from sextant_api.models import outbox as api_outbox
from sextant_api.schema import prepare as prepare_api
from sextant_auth.models import outbox as auth_outbox
from sextant_auth.schema import prepare as prepare_auth
from sextant_shared.contract.routing import API, AUTH, VPN_REGISTRY
from sextant_shared.db import Database
from sextant_shared.settings import LoggingSettings, database_url
from sextant_vpn_registry.models import outbox as vpn_outbox
from sextant_vpn_registry.schema import prepare as prepare_vpn

_CONNECTIONS = 3
"""One holds the lock, one migrates, one bootstraps."""


class MigrateSettings(LoggingSettings):
    """Where the databases are. Each setting may be given as a file, like all others."""

    auth_database_url: str = Field(description="Database of auth, without password")
    auth_database_password: SecretStr | None = Field(default=None, description="Password for it")
    api_database_url: str = Field(description="Database of api, without password")
    api_database_password: SecretStr | None = Field(default=None, description="Password for it")
    vpn_database_url: str = Field(description="Database of vpn-registry, without password")
    vpn_database_password: SecretStr | None = Field(default=None, description="Password for it")
    key_encryption_secret: SecretStr = Field(description="Under which auth encrypts signing keys and second factors")
    root_password: SecretStr | None = Field(default=None, description="Password of the first user; else one is made up")


async def migrate_all(settings: MigrateSettings) -> str | None:
    """Migrate and bootstrap what the settings name; returns the root password if one was made up.

    Raises:
        UnavailableError: a database does not answer.
    """
    return await prepare_databases(
        api=database_url(settings.api_database_url, settings.api_database_password),
        auth=database_url(settings.auth_database_url, settings.auth_database_password),
        vpn=database_url(settings.vpn_database_url, settings.vpn_database_password),
        key_encryption_secret=settings.key_encryption_secret,
        root_password=settings.root_password,
    )


async def prepare_databases(
    *, api: str, auth: str, vpn: str, key_encryption_secret: SecretStr, root_password: SecretStr | None
) -> str | None:
    """Migrate and bootstrap; safe to repeat.

    Args:
        api: address of api's database, with password.
        auth: the same of auth's.
        vpn: the same of vpn-registry's.
        key_encryption_secret: as auth will have it.
        root_password: of the first user; one is made up when none is given.

    Returns:
        The password that was made up, to be shown once.

    Raises:
        UnavailableError: a database does not answer.
    """
    async with Database(api, source=API, outbox=api_outbox, pool_size=_CONNECTIONS) as db:
        await prepare_api(db)
    async with Database(vpn, source=VPN_REGISTRY, outbox=vpn_outbox, pool_size=_CONNECTIONS) as db:
        await prepare_vpn(db)
    async with Database(auth, source=AUTH, outbox=auth_outbox, pool_size=_CONNECTIONS) as db:
        return await prepare_auth(db, key_encryption_secret=key_encryption_secret, root_password=root_password)
