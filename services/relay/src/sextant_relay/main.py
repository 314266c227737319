"""relay as a process of its own."""

import asyncio
from dataclasses import replace

import uvloop

from sextant_relay.app import create_service
from sextant_relay.settings import RelaySettings
from sextant_shared.contract.routing import RELAY
from sextant_shared.http.peers import HttpNetwork
from sextant_shared.http.service import serve
from sextant_shared.logging import configure_logging
from sextant_shared.messaging import RabbitMqBus


def main() -> None:
    """Run until told to stop."""
    settings = RelaySettings()
    configure_logging(level=settings.log_level, fmt=settings.log_format, service=RELAY)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: RelaySettings) -> None:
    bus = RabbitMqBus(settings.broker_address, service=RELAY)
    service = create_service(settings, bus=bus, network=HttpNetwork(settings))
    await serve(replace(service, tasks=[bus.run, *service.tasks]), settings)
