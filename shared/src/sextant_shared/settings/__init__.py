"""Settings, in groups that mirror the backing services. A service's own class combines the groups it needs."""

from sextant_shared.settings._base import SettingsBase
from sextant_shared.settings.broker import BrokerSettings
from sextant_shared.settings.database import DatabaseSettings, database_url
from sextant_shared.settings.http import HttpSettings
from sextant_shared.settings.logging import LoggingSettings
from sextant_shared.settings.peers import PeerSettings

__all__ = [
    "BrokerSettings",
    "DatabaseSettings",
    "HttpSettings",
    "LoggingSettings",
    "PeerSettings",
    "SettingsBase",
    "database_url",
]
