"""The composition root of standalone: all services, one in-process bus, SQLite files."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from sextant_api.app import create_service as create_api
from sextant_api.settings import ApiSettings
from sextant_auth.app import create_service as create_auth
from sextant_auth.settings import AuthSettings
from sextant_relay.app import create_service as create_relay
from sextant_relay.settings import RelaySettings
from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from sextant_shared.http.peers import InProcessNetwork
from sextant_shared.http.service import Service
from sextant_shared.messaging import InProcessBus
from sextant_standalone.front import Front
from sextant_standalone.migrate import prepare_databases
from sextant_standalone.secrets import Secrets
from sextant_standalone.settings import StandaloneSettings
from sextant_vpn_registry.app import create_service as create_vpn_registry
from sextant_vpn_registry.settings import VpnRegistrySettings


@dataclass(frozen=True)
class Standalone:
    """A standalone server ready to run.

    Attributes:
        asgi: what to serve.
        tasks: to run beside it.
        drain: to call before the end, while everything still runs.
        close: to call at the end.
        services: those inside.
        root_password: of the first user, if it was made up just now; to be shown once.
    """

    asgi: ASGIApp
    tasks: Sequence[Callable[[], Awaitable[None]]]
    drain: Sequence[Callable[[], Awaitable[None]]]
    close: Sequence[Callable[[], Awaitable[None]]]
    services: Sequence[Service]
    root_password: str | None


async def create_standalone(settings: StandaloneSettings) -> Standalone:
    """Prepare the data folder and put everything together.

    Raises:
        OSError: the data folder cannot be used.
    """
    # results and hashes lie in there: nobody but the owner may look in, unless the folder was made otherwise before
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = Secrets.in_folder(settings.data)
    api, auth, relay, vpn_registry = _service_settings(settings, secrets)
    root_password = await prepare_databases(
        api=api.database_address,
        auth=auth.database_address,
        vpn=vpn_registry.database_address,
        key_encryption_secret=secrets.key_encryption,
        root_password=settings.root_password,
    )
    bus, network = InProcessBus(), InProcessNetwork()
    services = [
        create_auth(auth, bus=bus, network=network),
        create_api(api, bus=bus, network=network),
        create_relay(relay, bus=bus, network=network),
        create_vpn_registry(vpn_registry, bus=bus, network=network),
    ]
    for service in services:
        network.register(service.name, service.asgi)
    return Standalone(
        asgi=Front({service.name: service.asgi for service in services}),
        tasks=[bus.run, *(task for service in services for task in service.tasks)],
        drain=[step for service in services for step in service.drain],
        close=[close for service in reversed(services) for close in service.close],
        services=services,
        root_password=root_password,
    )


def _service_settings(
    settings: StandaloneSettings, secrets: Secrets
) -> tuple[ApiSettings, AuthSettings, RelaySettings, VpnRegistrySettings]:
    http: dict[str, Any] = {
        "cors_origins": settings.cors_origins,
        "max_body_bytes": settings.max_body_bytes,
        "drain_seconds": settings.drain_seconds,
    }
    client: dict[str, Any] = {name: {"client_secret": secret} for name, secret in secrets.clients.items()}

    def database(name: str) -> str:
        return f"sqlite+aiosqlite:///{settings.data / f'{name}.db'}"

    return (
        ApiSettings(database_url=database("api"), **http, **client[API]),
        AuthSettings(
            database_url=database("auth"),
            key_encryption_secret=secrets.key_encryption,
            api_key_pepper=secrets.api_key_pepper,
            service_secrets=secrets.clients,
            **http,
            **client[AUTH],
        ),
        RelaySettings(**http, **client[RELAY], drain_notice_seconds=0),
        VpnRegistrySettings(database_url=database("vpn"), **http, **client[VPN_REGISTRY]),
    )
