"""Which service answers which path."""

import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY, service_for


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/token/user", AUTH),
        ("/api/token/refresh", AUTH),
        ("/api/user", AUTH),
        ("/api/user/7", AUTH),
        ("/api/role/1/rule", AUTH),
        ("/api/rule", AUTH),
        ("/api/recover/lost", AUTH),
        ("/api/recover/node", AUTH),
        ("/api/password/change", AUTH),
        ("/.well-known/jwks.json", AUTH),
        ("/oauth/token", AUTH),
        ("/api/port", VPN_REGISTRY),
        ("/api/vpn/algorithm/addresses", VPN_REGISTRY),
        ("/socket.io", RELAY),
        ("/socket.io/", RELAY),
        ("/api/task/1/status", API),
        ("/api/organization", API),
        ("/api/version", API),
        ("/api", API),
        ("/robots.txt", API),
    ],
)
def test_a_public_path_has_an_owner(path: str, service: str) -> None:
    assert service == service_for(path)


@pytest.mark.parametrize(
    "path", ["/api/users", "/api/userx/1", "/api/tokens", "/api/portal", "/api/vpns", "/api/rules"]
)
def test_only_whole_segments_count(path: str) -> None:
    assert service_for(path) == API


@pytest.mark.parametrize(
    "path", ["/", "", "/apis", "/internal/principals/user/1", "/metrics", "/livez", "/readyz", "/socket.iox", "/oauthx"]
)
def test_what_is_for_the_inside_or_unknown_belongs_to_nobody(path: str) -> None:
    assert service_for(path) is None
