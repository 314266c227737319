"""Column types and expressions that mean the same on PostgreSQL and SQLite."""

from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    Identity,
    Integer,
    Select,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints and indexes, so that migrations can name what they change."""

big_id = BigInteger().with_variant(Integer, "sqlite")
"""Type of ids. On SQLite only an INTEGER key counts by itself."""


def id_column() -> Column[int]:
    """A primary key that the database counts and never gives out twice.

    On SQLite that needs AUTOINCREMENT: the table must be made with `sqlite_autoincrement=True`.
    """
    return Column("id", big_id, Identity(), primary_key=True)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: `timestamptz` on PostgreSQL, UTC text on SQLite; always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; SQLite stores UTC without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must carry its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's times their zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - written like the SQL function it is
    """The database's clock at this moment (not at the start of the transaction).

    Leases and timestamps are judged by one clock, the database's, not by those of the replicas.
    """

    type = UtcDateTime()
    inherit_cache = True


@compiles(utc_now, "postgresql")
def _postgresql_now(element: utc_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    del element, compiler, kwargs
    return "clock_timestamp()"


@compiles(utc_now, "sqlite")
def _sqlite_now(element: utc_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    del element, compiler, kwargs
    # Milliseconds are what SQLite offers; padded to the six digits in which SQLAlchemy writes times, because
    # SQLite compares them as text.
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


class utc_after(FunctionElement[datetime]):  # noqa: N801 - written like the SQL function it is
    """The database's clock, so many seconds from now (before now, if negative): `utc_after(40)`."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float) -> None:
        super().__init__(literal(float(seconds), Float()))


@compiles(utc_after, "postgresql")
def _postgresql_after(element: utc_after, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kwargs)}))"


@compiles(utc_after, "sqlite")
def _sqlite_after(element: utc_after, compiler: SQLCompiler, **kwargs: Any) -> str:
    seconds = compiler.process(element.clauses, **kwargs)
    # in the format of `utc_now`, with which it is compared
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%+.6f seconds', {seconds})) || '000')"


class is_among(FunctionElement[bool]):  # noqa: N801 - written like the SQL operator it is
    """Whether a column is among what a query finds: `column IN (SELECT ...)`, which it is on SQLite.

    On PostgreSQL the query is run once, into an array. That is a value like any other, so an index on the column serves
    also where this is one of several alternatives; an `IN` there would make it look at every row.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], query: Select[Any]) -> None:
        super().__init__(column, query.scalar_subquery())

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Stand among other conditions as it is: compared with `true`, as functions are, no index would serve it."""
        del against
        return self


@compiles(is_among, "postgresql")
def _postgresql_among(element: is_among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, query = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({column} = ANY (ARRAY{query}))"


@compiles(is_among)
def _among(element: is_among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, query = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({column} IN {query})"
