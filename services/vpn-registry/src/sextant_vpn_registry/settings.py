"""The settings of vpn-registry."""

from sextant_shared.settings import BrokerSettings, HttpSettings, LoggingSettings, PeerSettings


class VpnRegistrySettings(HttpSettings, LoggingSettings, BrokerSettings, PeerSettings):
    """What vpn-registry can be told."""
