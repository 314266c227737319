"""api as a process of its own."""

import asyncio
from dataclasses import replace

import uvloop

from sextant_api.app import create_service
from sextant_api.models import outbox
from sextant_api.schema import alembic
from sextant_api.settings import ApiSettings
from sextant_shared.contract.routing import API
from sextant_shared.db import Database
from sextant_shared.db.migration import wait_for_schema
from sextant_shared.http.peers import HttpNetwork
from sextant_shared.http.service import serve
from sextant_shared.logging import configure_logging
from sextant_shared.messaging import RabbitMqBus


def main() -> None:
    """Run until told to stop."""
    settings = ApiSettings()
    configure_logging(level=settings.log_level, fmt=settings.log_format, service=API)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: ApiSettings) -> None:
    async with Database(settings.database_address, source=API, outbox=outbox, pool_size=1) as db:
        await wait_for_schema(db, alembic())
    bus = RabbitMqBus(settings.broker_address, service=API)
    service = create_service(settings, bus=bus, network=HttpNetwork(settings))
    await serve(replace(service, tasks=[bus.run, *service.tasks]), settings)
