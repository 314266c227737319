"""Where the message broker is."""

from pydantic import Field, SecretStr
from yarl import URL

from sextant_shared.settings._base import SettingsBase


class BrokerSettings(SettingsBase):
    """RabbitMQ."""

    broker_url: str = Field(
        default="amqp://sextant@rabbitmq:5672/", description="Address of RabbitMQ, without password"
    )
    broker_password: SecretStr | None = Field(default=None, description="Password for the user in the address")

    @property
    def broker_address(self) -> str:
        """The address with the password in it."""
        url = URL(self.broker_url)
        if self.broker_password is not None:
            url = url.with_password(self.broker_password.get_secret_value())
        return str(url)
