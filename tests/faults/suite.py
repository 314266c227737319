"""The distributed suite with something breakable at each of its joints, and the hands that break it.

Servers of its own (PostgreSQL, RabbitMQ, HAProxy), two replicas of every service, and a fault proxy

* between the gateway and each replica (`entry`),
* between each replica and the broker (`broker_link`),
* before auth and api for the calls of other services, over all replicas, as a name in DNS would be.

Owns all of them. Blocking calls are made in threads, so that nodes and watchers go on meanwhile. `heal` makes it whole.
"""

import asyncio
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from sextant_shared.testing.backing import BackingServers
from sextant_shared.testing.processes import LOOPBACK, Process
from tests.faults.fault_proxy import FaultProxy, Proxies
from tests.shapes import DistributedSuite

REPLICAS: Final[Mapping[str, int]] = {AUTH: 2, API: 2, RELAY: 2, VPN_REGISTRY: 2}
_PLACES: Final = [(service, number) for service, count in REPLICAS.items() for number in range(count)]
GATEWAY: Final = "gateway"
_PATIENCE: Final = {"SEXTANT_DATABASE_ACQUIRE_SECONDS": "10", "SEXTANT_PEER_TIMEOUT_SECONDS": "15"}
"""Machines that run tests may be slow; the bounds that faults are about are others."""
_SHIFTED: Final = Path(__file__).parent / "shifted"
_STOPPED_SECONDS: Final = 30


class BreakableSuite:
    """See the module; made by `breakable_suite`.

    Attributes:
        url: where clients find it.
        root_password: of the first user.
        entries: the proxies before the replicas, by service.
        broker_links: the proxies between the replicas and the broker, by service.
    """

    def __init__(self, servers: BackingServers, proxies: Proxies) -> None:
        self.servers = servers
        self._proxies_thread = proxies
        self.entries = {service: [proxies.open() for _ in range(count)] for service, count in REPLICAS.items()}
        self.inside = {service: proxies.open() for service in REPLICAS if service != RELAY}
        broker_port = urlsplit(servers.rabbitmq.url).port or 0
        self.broker_links = {
            service: [proxies.open(broker_port) for _ in range(count)] for service, count in REPLICAS.items()
        }
        settings = dict(_PATIENCE) | {
            {AUTH: "SEXTANT_AUTH_URL", API: "SEXTANT_API_URL", VPN_REGISTRY: "SEXTANT_VPN_URL"}[service]: (
                f"http://{LOOPBACK}:{proxy.port}"
            )
            for service, proxy in self.inside.items()
        }
        self._suite = DistributedSuite(servers, REPLICAS, settings)
        self._clocks = servers.processes.make_folder("clocks")
        for service, ports in self._suite.ports.items():
            for number, port in enumerate(ports):
                self.entries[service][number].upstreams = [port]
                self._configure(service, number, {})
            if service in self.inside:
                self.inside[service].upstreams = ports
        self._suite.entries = {service: [each.port for each in proxies] for service, proxies in self.entries.items()}
        self.url = self._suite.url
        self.root_password = self._suite.root_password
        self.broker_url = self._suite.broker_url
        self.database_urls = self._suite.database_urls

    def start(self) -> None:
        """Start everything."""
        self._suite.migrate()
        self._suite.start_services()
        self._suite.start_gateway({})

    def stop(self) -> None:
        """End everything but the servers."""
        self._suite.stop()

    def process(self, service: str, number: int = 0) -> Process:
        """The process of a replica."""
        return self._suite.processes[service][number]

    def line(self, service: str = GATEWAY, number: int = 0) -> FaultProxy:
        """Make a line of its own to the gateway, or to a replica."""
        port = urlsplit(self.url).port if service == GATEWAY else self._suite.ports[service][number]
        return self._proxies_thread.open(port or 0)

    # -- processes ---------------------------------------------------------------------------------

    async def kill(self, service: str, number: int = 0) -> None:
        """Kill -9."""
        await asyncio.to_thread(self.process(service, number).kill)

    async def kill_all(self, service: str) -> None:
        """Kill all replicas of a service."""
        for number in range(REPLICAS[service]):
            await self.kill(service, number)

    async def start_again(self, service: str, number: int = 0, settings: Mapping[str, str] | None = None) -> None:
        """Start a replica that has ended, and wait until it is ready."""
        if service == GATEWAY:
            await asyncio.to_thread(self._suite.restart_gateway)
            return
        self._configure(service, number, settings or {})
        self._suite.start_replica(service, number)
        await asyncio.to_thread(self._suite.wait_until_ready, service, number)

    async def restart(self, service: str, number: int = 0, settings: Mapping[str, str] | None = None) -> None:
        """Kill a replica and start it again, with further settings."""
        await self.kill(service, number)
        await self.start_again(service, number, settings)

    async def terminate(self, service: str, number: int = 0) -> int:
        """Ask a replica to end, and return its exit status."""
        process = self.process(service, number)
        process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(process.wait, _STOPPED_SECONDS)

    def freeze(self, service: str, number: int = 0) -> None:
        """Stop a replica where it stands; its connections stay open."""
        self.process(service, number).send_signal(signal.SIGSTOP)

    def thaw(self, service: str, number: int = 0) -> None:
        """Let it go on."""
        self.process(service, number).send_signal(signal.SIGCONT)

    def shift_clock(self, service: str, number: int, seconds: float) -> None:
        """Set the clock of a running replica."""
        self._clock(service, number).write_text(str(seconds))

    # -- servers -----------------------------------------------------------------------------------

    async def break_database(self) -> None:
        """End PostgreSQL as a crash would."""
        await asyncio.to_thread(self.servers.postgres.kill)

    async def mend_database(self) -> None:
        """Start PostgreSQL again, with what it had written."""
        await asyncio.to_thread(self.servers.postgres.start)

    async def break_broker(self) -> None:
        """End RabbitMQ as a crash would."""
        await asyncio.to_thread(self.servers.rabbitmq.kill)

    async def mend_broker(self) -> None:
        """Start RabbitMQ again, with what it had written."""
        await asyncio.to_thread(self.servers.rabbitmq.start)

    async def wipe_broker(self) -> None:
        """Remove all queues, exchanges, messages and connections."""
        await asyncio.to_thread(self.servers.rabbitmq.wipe_vhost, self.broker_url)

    async def close_broker_connections(self) -> None:
        """Have the broker close all connections."""
        await asyncio.to_thread(self.servers.rabbitmq.close_connections)

    async def sql(self, *statements: str, of: str = API) -> list[tuple[Any, ...]]:
        """Run SQL as the superuser."""
        return await asyncio.to_thread(
            lambda: self.servers.postgres.execute(*statements, database=self.database_urls[of])
        )

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Let nobody read or write a table of api's."""
        connection = await asyncpg.connect(self.database_urls[API].replace("+asyncpg", ""))
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                yield
        finally:
            await connection.close()

    # -- looking -----------------------------------------------------------------------------------

    async def is_ready(self, service: str, number: int) -> bool:
        """Whether a replica says that it is ready."""
        return await asyncio.to_thread(_answers, f"http://{LOOPBACK}:{self._suite.ports[service][number]}/readyz")

    async def metric(self, service: str, number: int, name: str) -> float:
        """The sum of a metric over all its labels."""
        text = await asyncio.to_thread(_read, f"http://{LOOPBACK}:{self._suite.ports[service][number]}/metrics")
        lines = [line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] == name]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    # -- afterwards --------------------------------------------------------------------------------

    async def heal(self) -> None:
        """Make everything whole that a test has broken, and wait until it is."""
        for proxy in self._proxies():
            proxy.heal()
        await self.mend_database()
        await self.mend_broker()
        if not self.process(GATEWAY).is_running:
            await self.start_again(GATEWAY)
        for service, number in _PLACES:
            if self.process(service, number).is_running:
                self.thaw(service, number)
            if not self.process(service, number).is_running or (service, number) in self._changed:
                await self.kill(service, number)
                self._configure(service, number, {})
                self._suite.start_replica(service, number)
        for service, number in _PLACES:
            await asyncio.to_thread(self._suite.wait_until_ready, service, number)

    def _proxies(self) -> Iterator[FaultProxy]:
        yield from self.inside.values()
        for proxies in (*self.entries.values(), *self.broker_links.values()):
            yield from proxies

    @property
    def _changed(self) -> set[tuple[str, int]]:
        return {place for place, settings in self._suite.settings_of.items() if settings != self._ordinary(*place)} | {
            place for place in self._suite.settings_of if self._clock(*place).read_text() != "0"
        }

    def _configure(self, service: str, number: int, settings: Mapping[str, str]) -> None:
        self._clock(service, number).write_text("0")
        self._suite.settings_of[service, number] = {**self._ordinary(service, number), **settings}

    def _ordinary(self, service: str, number: int) -> dict[str, str]:
        address = urlsplit(self._suite.broker_url)
        netloc = f"{address.username}:{address.password}@{LOOPBACK}:{self.broker_links[service][number].port}"
        return {
            "SEXTANT_BROKER_URL": urlunsplit((address.scheme, netloc, address.path, "", "")),
            "PYTHONPATH": str(_SHIFTED),
            "SEXTANT_TEST_CLOCK": str(self._clock(service, number)),
        }

    def _clock(self, service: str, number: int) -> Path:
        return self._clocks / f"{service}-{number}"


@contextmanager
def breakable_suite() -> Iterator[BreakableSuite]:
    """Run a suite with servers of its own."""
    with BackingServers() as servers, Proxies() as proxies:
        suite = BreakableSuite(servers, proxies)
        try:
            suite.start()
            yield suite
        finally:
            suite.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except OSError:
        return False


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback address
        return str(answer.read().decode())
