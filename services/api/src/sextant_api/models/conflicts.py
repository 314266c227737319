"""Tells which rule of the schema a write broke: unique constraints, not checks beforehand, decide races."""

from sqlalchemy import Column
from sqlalchemy.exc import IntegrityError

_POSTGRES_FOREIGN_KEY = "23503"


def breaks_unique(error: IntegrityError, *columns: Column[object]) -> bool:
    """Tell whether `error` says that there is already a row with these values in `columns`."""
    table = columns[0].table
    # SQLite names the columns, PostgreSQL the constraint, which our naming convention derives from them
    sqlite_words = "UNIQUE constraint failed: " + ", ".join(f"{table.name}.{column.name}" for column in columns)
    postgres_name = f"uq_{table.name}_" + "_".join(column.name for column in columns)
    return sqlite_words in str(error.orig) or f'"{postgres_name}"' in str(error.orig)


def breaks_reference(error: IntegrityError) -> bool:
    """Tell whether `error` says that what a row refers to is not there (any more)."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    return sqlstate == _POSTGRES_FOREIGN_KEY or "FOREIGN KEY constraint failed" in str(error.orig)
