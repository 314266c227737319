"""A running gateway before two stand-in replicas of every service."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import httpx2
import pytest

from sextant_shared.contract import routing
from sextant_shared.testing.processes import free_port

from .local import local_gateway_config
from .replica import Replica

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from sextant_shared.testing.haproxy import HaproxyRunner

MAX_BODY = 1_000_000
_PATIENCE_SECONDS = 15


class Gateway:
    """A running gateway and the replicas behind it.

    Attributes:
        url: where clients find it.
        port: the port of that.
        inside: where `/metrics` and `/readyz` are.
        replicas: by service.
        client: an HTTP client with `url` as its base.
    """

    def __init__(
        self, port: int, inside_port: int, replicas: dict[str, list[Replica]], client: httpx2.AsyncClient
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.inside = f"http://127.0.0.1:{inside_port}"
        self.replicas = replicas
        self.client = client

    @property
    def arrivals(self) -> int:
        """How many requests reached any replica."""
        return sum(len(replica.arrivals) for each in self.replicas.values() for replica in each)

    async def raw(self, request: bytes) -> bytes:
        """Send these bytes, and return all that comes back until the gateway closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    async def sees(self, backend: str, usable: int) -> None:
        """Wait until the gateway counts that many usable replicas in a backend."""
        pattern = re.compile(rf'^haproxy_backend_active_servers{{proxy="{backend}"}} (\d+)', re.MULTILINE)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                found = pattern.search((await self.client.get(f"{self.inside}/metrics")).text)
                assert found is not None
                if int(found[1]) == usable:
                    return
                await asyncio.sleep(0.05)


class OpenGateway(Protocol):
    """Starts a gateway with its replicas; both end with the `async with` block."""

    def __call__(self, *, hold_seconds: int = 10) -> AbstractAsyncContextManager[Gateway]: ...


@pytest.fixture
def open_gateway(haproxy: HaproxyRunner, tmp_path: Path) -> OpenGateway:
    """Start gateways with settings of the test's own."""

    @asynccontextmanager
    async def opened(*, hold_seconds: int = 10) -> AsyncIterator[Gateway]:
        port, inside = free_port(), free_port()
        replicas = {service: [Replica(service, free_port()) for _ in range(2)] for service in routing.SERVICES}
        ports = {service: [replica.port for replica in each] for service, each in replicas.items()}
        files = local_gateway_config(
            tmp_path,
            listen=port,
            inside=inside,
            auth=ports[routing.AUTH],
            api=ports[routing.API],
            relay=ports[routing.RELAY],
            vpn=ports[routing.VPN_REGISTRY],
            settings={
                "SEXTANT_MAX_BODY_BYTES": MAX_BODY,
                "SEXTANT_GATEWAY_HOLD_SECONDS": hold_seconds,
            },
        )
        async with AsyncExitStack() as stack:
            for each in replicas.values():
                for replica in each:
                    await stack.enter_async_context(replica)
            config = "".join(file.read_text() for file in files)
            stack.enter_context(haproxy(config, ports=[port, inside]))
            client = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
            )
            yield Gateway(port, inside, replicas, client)

    return opened


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Gateway]:
    """Provide a gateway before two replicas of every service, all of them well."""
    async with open_gateway() as opened:
        yield opened
