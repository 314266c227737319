"""Which service answers which public path: the table behind the gateway and the standalone application.

`gateway/haproxy.cfg` says the same in HAProxy's words; a test holds the two against each other.
"""

from collections.abc import Sequence
from typing import Final

AUTH: Final = "auth"
API: Final = "api"
RELAY: Final = "relay"
VPN_REGISTRY: Final = "vpn-registry"

SERVICES: Final = (AUTH, API, RELAY, VPN_REGISTRY)

API_PREFIX: Final = "/api"

ROUTES: Final[Sequence[tuple[str, str]]] = (
    ("/api/token", AUTH),
    ("/api/user", AUTH),
    ("/api/role", AUTH),
    ("/api/rule", AUTH),
    ("/api/recover", AUTH),
    ("/api/password", AUTH),
    ("/.well-known", AUTH),
    ("/oauth", AUTH),
    ("/api/port", VPN_REGISTRY),
    ("/api/vpn", VPN_REGISTRY),
    ("/socket.io", RELAY),
    ("/api", API),
    ("/robots.txt", API),
)
"""Prefix (of whole path segments) and owner; the first that fits decides."""


def service_for(path: str) -> str | None:
    """Name the service that answers `path`, or None where the suite has nothing to say.

    `/internal`, `/metrics`, `/livez` and `/readyz` are for the inside and therefore belong to nobody here.
    """
    for prefix, service in ROUTES:
        if path == prefix or path.startswith(prefix + "/"):
            return service
    return None
