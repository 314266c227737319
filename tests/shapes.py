"""The shapes in which Sextant is deployed, as running suites for tests and benchmarks.

* standalone: one process, SQLite, in-process bus (`sextant run`);
* distributed: every service as processes of its own, replicas of auth, api and relay, PostgreSQL, RabbitMQ, and HAProxy
  with the shipped configuration.

Knows no pytest: the benchmark uses the same shapes.
"""

import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from sextant_shared.testing.backing import BackingServers
from sextant_shared.testing.processes import Process, free_port
from tests.gateway.local import local_gateway_config

_READY_SECONDS = 60
_MODULES = {
    AUTH: "sextant_auth",
    API: "sextant_api",
    RELAY: "sextant_relay",
    VPN_REGISTRY: "sextant_vpn_registry",
}
_DATABASES = {AUTH: "sextant_auth", API: "sextant_api", VPN_REGISTRY: "sextant_vpn"}


@dataclass(frozen=True)
class Shape:
    """A running suite.

    Attributes:
        name: which shape it is.
        url: where clients find it.
        root_password: of the first user.
        processes: of our own programs, by service; a replica is one entry of a list.
        database_urls: of the services that own one, for those who look behind the scenes.
        broker_url: of the broker, if there is one.
    """

    name: str
    url: str
    root_password: str
    processes: Mapping[str, list[Process]]
    database_urls: Mapping[str, str] = field(default_factory=dict)
    broker_url: str | None = None


@contextmanager
def standalone_shape(servers: BackingServers, *, settings: Mapping[str, str] | None = None) -> Iterator[Shape]:
    """Run everything in one process.

    Args:
        servers: whose keeper starts the process.
        settings: further `SEXTANT_…` variables.
    """
    folder = servers.processes.make_folder(f"standalone-{secrets.token_hex(3)}")
    port = free_port()
    root_password = _password()
    command: list[str | Path] = [
        Path(sys.executable).with_name("sextant"),
        "run",
        "--port",
        str(port),
        "--data",
        folder / "data",
    ]
    env = {"SEXTANT_ROOT_PASSWORD": root_password, **(settings or {})}
    with servers.processes.spawn(command, name="standalone", env=env) as process:
        url = f"http://127.0.0.1:{port}"
        _wait_for(process, f"{url}/api/health")
        yield Shape("standalone", url, root_password, {"standalone": [process]})


@contextmanager
def distributed_shape(
    servers: BackingServers,
    *,
    replicas: Mapping[str, int] | None = None,
    settings: Mapping[str, str] | None = None,
    gateway: Mapping[str, object] | None = None,
) -> Iterator[Shape]:
    """Run each service as processes of its own, behind HAProxy.

    Args:
        servers: PostgreSQL, RabbitMQ, HAProxy and the keeper of processes.
        replicas: how many of which service; two of auth, api and relay if not said otherwise.
        settings: further `SEXTANT_…` variables for all services.
        gateway: further settings of the gateway.
    """
    suite = DistributedSuite(
        servers, {AUTH: 2, API: 2, RELAY: 2, VPN_REGISTRY: 1} | dict(replicas or {}), settings or {}
    )
    try:
        suite.migrate()
        suite.start_services()
        suite.start_gateway(gateway or {})
        yield Shape(
            "distributed",
            suite.url,
            suite.root_password,
            suite.processes,
            database_urls=suite.database_urls,
            broker_url=suite.broker_url,
        )
    finally:
        suite.stop()


class DistributedSuite:
    """One distributed suite, put together step by step.

    Attributes:
        url: where clients find it.
        root_password: of the first user.
        processes: by service; a replica is one entry of a list.
        ports: of the replicas, in the order of `processes`.
        entries: the ports at which the gateway looks for them, which may be those of something in between.
        settings_of: further variables of one replica, by service and place in the list.
        database_urls: of the services that own one.
        broker_url: of the broker.
    """

    def __init__(self, servers: BackingServers, replicas: Mapping[str, int], settings: Mapping[str, str]) -> None:
        self._servers = servers
        self._folder = servers.processes.make_folder(f"distributed-{secrets.token_hex(3)}")
        self.ports = {service: [free_port() for _ in range(count)] for service, count in replicas.items()}
        self.entries = dict(self.ports)
        self.settings_of: dict[tuple[str, int], Mapping[str, str]] = {}
        self._listen, self._inside = free_port(), free_port()
        self._gateway_config = ""
        self.url = f"http://127.0.0.1:{self._listen}"
        self.root_password = _password()
        self.processes: dict[str, list[Process]] = {service: [] for service in replicas}
        self.broker_url = servers.rabbitmq.create_vhost()
        self.database_urls = {
            service: _async_url(servers.postgres.create_database(name)) for service, name in _DATABASES.items()
        }
        self._clients = {service: secrets.token_urlsafe(24) for service in replicas}
        self._common = {
            "SEXTANT_BROKER_URL": self.broker_url,
            "SEXTANT_HOST": "127.0.0.1",
            "SEXTANT_LOG_LEVEL": "warning",
            # one replica answers for all: what balances internal calls in compose is its DNS
            "SEXTANT_AUTH_URL": f"http://127.0.0.1:{self.ports[AUTH][0]}",
            "SEXTANT_API_URL": f"http://127.0.0.1:{self.ports[API][0]}",
            "SEXTANT_VPN_URL": f"http://127.0.0.1:{self.ports[VPN_REGISTRY][0]}",
            **settings,
        }
        self._auth_secrets = {
            "SEXTANT_KEY_ENCRYPTION_SECRET": secrets.token_urlsafe(32),
            "SEXTANT_API_KEY_PEPPER": secrets.token_urlsafe(32),
            "SEXTANT_SERVICE_SECRETS": "{"
            + ", ".join(f'"{service}": "{secret}"' for service, secret in self._clients.items())
            + "}",
        }

    def migrate(self) -> None:
        """Run the one-shot that makes tables and the first user."""
        command: list[str | Path] = [Path(sys.executable).with_name("sextant"), "migrate"]
        env = {
            "SEXTANT_AUTH_DATABASE_URL": self.database_urls[AUTH],
            "SEXTANT_API_DATABASE_URL": self.database_urls[API],
            "SEXTANT_VPN_DATABASE_URL": self.database_urls[VPN_REGISTRY],
            "SEXTANT_ROOT_PASSWORD": self.root_password,
            **self._auth_secrets,
        }
        with self._servers.processes.spawn(command, name="migrate", env=env) as process:
            code = process.wait(_READY_SECONDS)
            if code != 0:
                raise RuntimeError(f"sextant migrate ended with {code}:\n{process.output()}")

    def start_services(self) -> None:
        """Start all replicas, and return when each says that it is ready."""
        for service, ports in self.ports.items():
            self.processes[service] = [self._spawn(service, number) for number in range(len(ports))]
        for service, ports in self.ports.items():
            for number in range(len(ports)):
                self.wait_until_ready(service, number)

    def start_replica(self, service: str, number: int) -> None:
        """Start a replica that has ended again, with the same port."""
        self.processes[service][number] = self._spawn(service, number)

    def wait_until_ready(self, service: str, number: int) -> None:
        """Return when a replica says that it is ready."""
        _wait_for(self.processes[service][number], f"http://127.0.0.1:{self.ports[service][number]}/readyz")

    def start_gateway(self, settings: Mapping[str, object]) -> None:
        """Start HAProxy with the shipped configuration."""
        files = local_gateway_config(
            self._folder,
            listen=self._listen,
            auth=self.entries[AUTH],
            api=self.entries[API],
            relay=self.entries[RELAY],
            vpn=self.entries[VPN_REGISTRY],
            inside=self._inside,
            settings=settings,
        )
        self._gateway_config = "\n".join(file.read_text() for file in files)
        self.restart_gateway()

    def restart_gateway(self) -> None:
        """Start HAProxy, or start it again after it has ended."""
        gateway = self._servers.haproxy(self._gateway_config, ports=[self._listen])
        self.processes["gateway"] = [gateway]
        _wait_for(gateway, f"{self.url}/api/version")
        _wait_for(gateway, f"{self.url}/.well-known/jwks.json")

    def stop(self) -> None:
        """End everything, the gateway first."""
        for processes in reversed(list(self.processes.values())):
            for process in processes:
                process.kill()

    def _spawn(self, service: str, number: int) -> Process:
        port = self.ports[service][number]
        env = self._common | {"SEXTANT_PORT": str(port), "SEXTANT_CLIENT_SECRET": self._clients[service]}
        if service in self.database_urls:
            env["SEXTANT_DATABASE_URL"] = self.database_urls[service]
        if service == AUTH:
            env |= self._auth_secrets
        env |= self.settings_of.get((service, number), {})
        command: list[str | Path] = [Path(sys.executable), "-m", _MODULES[service]]
        return self._servers.processes.spawn(command, name=f"{service}-{port}", env=env)


def _password() -> str:
    return f"Aa1!{secrets.token_urlsafe(12)}"


def _async_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://")


def _wait_for(process: Process, url: str) -> None:
    """Wait until an address answers with success, or the process behind it dies."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
            return False

    process.wait_until(answers, timeout=_READY_SECONDS)
