"""Where the other services are, and how this one shows who it is."""

from pydantic import Field, SecretStr

from sextant_shared.settings._base import SettingsBase


class PeerSettings(SettingsBase):
    """Calls between services."""

    auth_url: str = Field(default="http://auth:8000", description="Where auth is, from the inside")
    api_url: str = Field(default="http://api:8000", description="Where api is, from the inside")
    vpn_url: str = Field(default="http://vpn-registry:8000", description="Where vpn-registry is, from the inside")
    client_secret: SecretStr = Field(description="This service's secret for OAuth2 client credentials")
    peer_timeout_seconds: float = Field(default=5.0, gt=0, description="How long another service may take to answer")
