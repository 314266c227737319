"""The settings of vpn-registry."""

from pydantic import Field

from sextant_shared.settings import BrokerSettings, DatabaseSettings, HttpSettings, LoggingSettings, PeerSettings


class VpnRegistrySettings(HttpSettings, LoggingSettings, DatabaseSettings, BrokerSettings, PeerSettings):
    """What vpn-registry can be told."""

    reconcile_seconds: float = Field(
        default=30.0, gt=0, description="How often api is asked about runs, in case that an event went missing"
    )
    run_days: float = Field(default=1.0, ge=0, description="How long a run that ended and shows no port is remembered")
