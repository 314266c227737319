"""auth as a process of its own."""

import asyncio
from dataclasses import replace

import uvloop

from sextant_auth.app import create_service
from sextant_auth.models import outbox
from sextant_auth.schema import alembic
from sextant_auth.settings import AuthSettings
from sextant_shared.contract.routing import AUTH
from sextant_shared.db import Database
from sextant_shared.db.migration import wait_for_schema
from sextant_shared.http.peers import HttpNetwork
from sextant_shared.http.service import serve
from sextant_shared.logging import configure_logging
from sextant_shared.messaging import RabbitMqBus


def main() -> None:
    """Run until told to stop."""
    settings = AuthSettings()
    configure_logging(level=settings.log_level, fmt=settings.log_format, service=AUTH)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: AuthSettings) -> None:
    async with Database(settings.database_address, source=AUTH, outbox=outbox, pool_size=1) as db:
        await wait_for_schema(db, alembic())
    bus = RabbitMqBus(settings.broker_address, service=AUTH)
    service = create_service(settings, bus=bus, network=HttpNetwork(settings))
    await serve(replace(service, tasks=[bus.run, *service.tasks]), settings)
