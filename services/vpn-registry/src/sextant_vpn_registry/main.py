"""vpn-registry as a process of its own."""

import asyncio
from dataclasses import replace

import uvloop

from sextant_shared.contract.routing import VPN_REGISTRY
from sextant_shared.db import Database
from sextant_shared.db.migration import wait_for_schema
from sextant_shared.http.peers import HttpNetwork
from sextant_shared.http.service import serve
from sextant_shared.logging import configure_logging
from sextant_shared.messaging import RabbitMqBus
from sextant_vpn_registry.app import create_service
from sextant_vpn_registry.models import outbox
from sextant_vpn_registry.schema import alembic
from sextant_vpn_registry.settings import VpnRegistrySettings


def main() -> None:
    """Run until told to stop."""
    settings = VpnRegistrySettings()
    configure_logging(level=settings.log_level, fmt=settings.log_format, service=VPN_REGISTRY)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: VpnRegistrySettings) -> None:
    async with Database(settings.database_address, source=VPN_REGISTRY, outbox=outbox, pool_size=1) as db:
        await wait_for_schema(db, alembic())
    bus = RabbitMqBus(settings.broker_address, service=VPN_REGISTRY)
    service = create_service(settings, bus=bus, network=HttpNetwork(settings))
    await serve(replace(service, tasks=[bus.run, *service.tasks]), settings)
