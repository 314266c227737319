"""The settings of auth."""

from pydantic import Field, SecretStr

from sextant_auth.credentials.password_policy import MAX_LENGTH, MIN_LENGTH
from sextant_auth.mail.settings import MailSettings
from sextant_shared.settings import BrokerSettings, DatabaseSettings, HttpSettings, LoggingSettings, PeerSettings

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class AuthSettings(HttpSettings, LoggingSettings, DatabaseSettings, BrokerSettings, PeerSettings, MailSettings):
    """What auth can be told."""

    server_name: str = Field(
        default="sextant", min_length=1, max_length=64, description="What users know this installation by"
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="Not needed: auth makes its own service tokens without asking itself"
    )
    service_secrets: dict[str, SecretStr] = Field(
        description='JSON object of the OAuth2 client secrets of the other services: `{"api": "...", "relay": "..."}`'
    )
    key_encryption_secret: SecretStr = Field(
        min_length=16, description="Encrypts signing keys and second-factor secrets in the database"
    )
    api_key_pepper: SecretStr = Field(
        min_length=16, description="Key of the HMAC by which node API keys are stored and found"
    )
    trust_forwarded: bool = Field(
        default=False,
        description="Take the client's address (for the audit log) from X-Forwarded-For; only behind our gateway",
    )

    access_token_seconds: int = Field(default=6 * _HOUR, ge=_MINUTE, description="Life of an access token")
    refresh_token_seconds: int = Field(
        default=48 * _HOUR, ge=_MINUTE, description="How long a user may stay away before a new login is needed"
    )
    node_refresh_token_seconds: int = Field(
        default=30 * _DAY, ge=_MINUTE, description="How long a node may stay away before it needs its API key again"
    )
    refresh_family_seconds: int = Field(
        default=90 * _DAY, ge=_MINUTE, description="How long one login of a user may be refreshed at all"
    )
    refresh_grace_seconds: int = Field(
        default=30, ge=0, description="How long a used refresh token may come again, by threads that share it"
    )
    container_token_seconds: int = Field(
        default=7 * _DAY, ge=_MINUTE, description="Life of a container's token; it cannot be refreshed"
    )
    service_token_seconds: int = Field(default=5 * _MINUTE, ge=_MINUTE, description="Life of a service's token")

    key_rotation_seconds: int = Field(default=30 * _DAY, ge=_HOUR, description="Age at which a signing key is replaced")
    key_publish_seconds: int = Field(
        default=10 * _MINUTE, ge=0, description="How long a signing key is published before it signs"
    )

    max_failed_logins: int = Field(default=5, ge=1, description="Failed logins in a row that lock an account")
    lockout_seconds: int = Field(default=15 * _MINUTE, ge=1, description="How long an account stays locked")
    password_hash_workers: int = Field(
        default=2, ge=1, description="Passwords hashed at once; each takes 19 MiB and one core"
    )
    password_hash_queue: int = Field(
        default=256, ge=1, description="Logins that may wait for a hash worker before further ones get 503"
    )

    legacy_key_workers: int = Field(
        default=1,
        ge=1,
        description="Keys of adopted nodes compared at once, until each has logged in; a core each",
    )

    two_factor: bool = Field(default=False, description="Whether users need a one-time code beside their password")
    password_min_length: int = Field(
        default=MIN_LENGTH, ge=MIN_LENGTH, le=MAX_LENGTH, description="Least length of a new password"
    )
    password_composition: bool = Field(
        default=True,
        description="Whether a new password needs a digit, an upper and a lower case letter and another character",
    )
    recovery_token_seconds: int = Field(
        default=_HOUR, ge=_MINUTE, description="How long a token that was mailed for recovery may be used"
    )
    mail_interval_seconds: int = Field(
        default=_HOUR,
        ge=0,
        description="Least time between two mails of a kind that strangers can cause (recovery, locked account)",
    )

    presence_sweep_seconds: float = Field(
        default=2, gt=0, description="How often users whose connections have lapsed are looked for"
    )

    @property
    def two_factor_issuer(self) -> str:
        """The name under which authenticator applications show us, in the form that users of vantage6 know."""
        return f"vantage6 ({self.server_name})"

    @property
    def longest_token_seconds(self) -> int:
        """How long the public half of a replaced signing key is still needed."""
        return max(
            self.access_token_seconds,
            self.refresh_token_seconds,
            self.node_refresh_token_seconds,
            self.container_token_seconds,
            self.service_token_seconds,
        )
