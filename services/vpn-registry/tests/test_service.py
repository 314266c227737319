"""The service as a whole: its routes, its schema, its dependencies."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from sextant_shared.db.migration import check_schema
from sextant_shared.http.access import declared_routes, undeclared_routes
from sextant_vpn_registry.models import metadata
from sextant_vpn_registry.schema import alembic, prepare

from .kit import Registry

ROUTES = 7
"""Four public ones and three for operators; one that vanishes should be noticed."""


async def test_every_route_declares_who_may_call_it(plain_registry: Registry) -> None:
    assert undeclared_routes(plain_registry.service.app) == []
    assert len(declared_routes(plain_registry.service.app)) == ROUTES


async def test_the_history_leads_to_the_tables_of_the_code(registry: Registry) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with registry.db.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await check_schema(registry.db, alembic())
    await prepare(registry.db)


async def test_the_service_is_ready_while_its_database_and_its_broker_answer(registry: Registry) -> None:
    ready = await registry.http.get("/readyz")

    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": True, "broker": True})
