"""api's history leads to its tables, on both kinds of database."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, select, text

from services.api.tests.kit import Api
from sextant_api.collaborations.repository import add_members, members_of
from sextant_api.models import metadata, organizations, outbox
from sextant_api.schema import alembic, prepare
from sextant_shared.contract.events import OrganizationChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.routing import API
from sextant_shared.db import Database
from sextant_shared.testing.schema import schema_differences


async def test_the_migrations_amount_to_the_tables_of_the_models(api: Api) -> None:
    async with api.db.engine.connect() as connection:
        assert await connection.run_sync(schema_differences, metadata) == []


async def test_the_history_can_be_gone_back(database_url: str) -> None:
    def downgrade(connection: Connection) -> list[str]:
        config = alembic()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return sorted(inspect(connection).get_table_names())

    async with Database(database_url, source=API) as db, db.engine.connect() as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]


async def test_payloads_from_before_there_were_blobs_are_found_by_what_they_are(database_url: str) -> None:
    def back_and_forth(connection: Connection) -> list[tuple[str, str | None]]:
        config = alembic()
        config.attributes["connection"] = connection
        command.downgrade(config, "2026_11_24_0001")
        connection.execute(text("INSERT INTO collaborations (name) VALUES ('c')"))
        connection.execute(
            text(
                "INSERT INTO tasks (job_id, image, collaboration_id, init_org_id, init_user_id, databases) "
                "VALUES (1, 'i', 1, 1, 1, '[]')"
            )
        )
        for payload in ("short", "long" * 17):
            connection.execute(text("INSERT INTO runs (task_id, organization_id, collaboration_id) VALUES (1, 1, 1)"))
            run_id = connection.execute(text("SELECT max(id) FROM runs")).scalar_one()
            for table, column in (("run_inputs", "input"), ("run_results", "result")):
                statement = f"INSERT INTO {table} (run_id, {column}) VALUES (:run_id, :payload)"  # noqa: S608 - ours
                connection.execute(text(statement), {"run_id": run_id, "payload": payload})
        command.upgrade(config, "head")
        return [
            (table, row.reference)
            for table in ("run_inputs", "run_results")
            for row in connection.execute(text(f"SELECT reference FROM {table} ORDER BY run_id"))  # noqa: S608 - ours
        ]

    async with Database(database_url, source=API) as db, db.engine.connect() as connection:
        found = await connection.run_sync(back_and_forth)

    assert found == [("run_inputs", "short"), ("run_inputs", None), ("run_results", "short"), ("run_results", None)]


async def test_who_was_a_member_before_the_order_was_counted_comes_first_by_id(database_url: str) -> None:
    def back_and_forth(connection: Connection) -> None:
        config = alembic()
        config.attributes["connection"] = connection
        command.downgrade(config, "2026_11_24_0002")
        connection.execute(text("INSERT INTO collaborations (name) VALUES ('c')"))
        connection.execute(text("INSERT INTO organizations (name) VALUES ('two'), ('three')"))
        for organization_id in (3, 1):
            connection.execute(
                text("INSERT INTO memberships (collaboration_id, organization_id) VALUES (1, :id)"),
                {"id": organization_id},
            )
        command.upgrade(config, "head")

    async with Database(database_url, source=API, outbox=outbox) as db:
        async with db.engine.connect() as connection:
            await connection.run_sync(back_and_forth)
            await connection.commit()
        async with db.transaction() as tx:
            await add_members(tx.session, 1, [2])
        async with db.read() as session:
            members = (await members_of(session, [1]))[1]

    assert [organization.id for organization in members] == [1, 3, 2]


async def test_preparing_twice_makes_one_root_organization_with_id_1(database_url: str) -> None:
    async with Database(database_url, source=API, outbox=outbox) as db:
        await prepare(db)
        await prepare(db)
        async with db.read() as session:
            found = (await session.execute(select(organizations.c.id, organizations.c.name))).all()

    assert [tuple(row) for row in found] == [(1, "root")]


async def test_the_first_organization_is_announced(tmp_path: Path) -> None:
    async with Database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", source=API, outbox=outbox) as db:
        await prepare(db)
        async with db.read() as session:
            envelopes = [
                Envelope.model_validate(row) for row in (await session.execute(select(outbox.c.envelope))).scalars()
            ]

    assert [OrganizationChanged.opened(envelope) for envelope in envelopes] == [
        OrganizationChanged(organization_id=1, name="root")
    ]


async def test_an_id_is_never_given_out_twice(api: Api) -> None:
    first = await api.add_organization("first")
    async with api.db.transaction() as tx:
        await tx.session.execute(organizations.delete().where(organizations.c.id == first))

    second = await api.add_organization("second")

    assert 1 < first < second


@pytest.mark.parametrize("table", [table for table in metadata.sorted_tables if "id" in table.c], ids=lambda t: t.name)
async def test_every_counted_id_counts_on_sqlite_for_ever(sqlite_template: Path, table: object) -> None:
    async with Database(f"sqlite+aiosqlite:///{sqlite_template}", source=API) as db, db.engine.connect() as connection:
        ddl = await connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": str(table)})

    assert "PRIMARY KEY AUTOINCREMENT" in ddl
