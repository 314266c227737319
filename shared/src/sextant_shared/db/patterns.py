"""Name filters that mean the same on PostgreSQL and SQLite, and the index that serves them on PostgreSQL."""

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Index

ONLY_ON: Final = "only_on"
"""By this, an index that there is on one kind of database only says on which."""

_ESCAPE = "\\"


def like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Compare with a pattern of `%` and `_`, without regard to case; a backslash is an ordinary character."""
    return column.ilike(pattern.replace(_ESCAPE, _ESCAPE * 2), escape=_ESCAPE)


def pattern_index(name: str, *columns: Column[Any]) -> Index:
    """An index of trigrams: what `like` asks of any of these columns is found by it, wherever in a text it stands.

    On PostgreSQL only, where the migration makes the extension `pg_trgm` first. SQLite has nothing of the kind.
    """
    return Index(
        name,
        *columns,
        postgresql_using="gin",
        postgresql_ops={column.name: "gin_trgm_ops" for column in columns},
        info={ONLY_ON: "postgresql"},
    ).ddl_if(dialect="postgresql")
