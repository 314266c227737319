"""Holds a database that was migrated against the tables of the code."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from sextant_shared.db.patterns import ONLY_ON


def schema_differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """What is in the database and not in `metadata`, or the other way round, or not the same."""

    def is_meant(item: Any, _name: str | None, _kind: str, _reflected: bool, _other: Any) -> bool:  # noqa: FBT001 - Alembic's
        return bool(item.info.get(ONLY_ON, connection.dialect.name) == connection.dialect.name)

    options = {"compare_type": True, "include_object": is_meant}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
