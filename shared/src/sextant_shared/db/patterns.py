"""Name filters that mean the same on PostgreSQL and SQLite."""

from typing import Any

from sqlalchemy import ColumnElement

_ESCAPE = "\\"


def like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Compare with a pattern of `%` and `_`, without regard to case; a backslash is an ordinary character."""
    return column.ilike(pattern.replace(_ESCAPE, _ESCAPE * 2), escape=_ESCAPE)
