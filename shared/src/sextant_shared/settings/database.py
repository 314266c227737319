"""Where a service's database is."""

from pydantic import Field, SecretStr
from sqlalchemy.engine import make_url

from sextant_shared.settings._base import SettingsBase


def database_url(url: str, password: SecretStr | None) -> str:
    """Put the password, if there is one, into the address."""
    parsed = make_url(url)
    if password is not None:
        parsed = parsed.set(password=password.get_secret_value())
    return parsed.render_as_string(hide_password=False)


class DatabaseSettings(SettingsBase):
    """PostgreSQL, or a SQLite file."""

    database_url: str = Field(
        description="`postgresql+asyncpg://user@host/database` or `sqlite+aiosqlite:///file`, without password"
    )
    database_password: SecretStr | None = Field(default=None, description="Password for the user in the address")
    database_pool_size: int = Field(default=15, ge=1, description="Connections that one process keeps at most")
    database_acquire_seconds: float = Field(
        default=2.0,
        gt=0,
        description="How long a request waits for a free connection before it gets 503",
    )

    @property
    def database_address(self) -> str:
        """The address with the password in it."""
        return database_url(self.database_url, self.database_password)
