"""Reads PostgreSQL's plans: which tables would be read from end to end.

What is no such reading: looking up in an index; walking along a partial index, which holds nothing else; and walking
along an index in the order that is asked for, as long as PostgreSQL expects the page to be full long before the end.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Self

from sextant_shared.db import Database

from .statements import Statement

LARGE_PAGES: Final = 100
"""A table of fewer pages (of 8 kB) is read whole by right: that is cheaper than any index."""
FILLED: Final = 200
"""Rows of a table that grows in an installation; fewer has only what nobody adds to, such as the rules."""
EARLY: Final = 0.25
"""A page that is expected to be full after this part of an index is found by the order, not by reading all."""

Plan = Mapping[str, Any]


class Planner:
    """PostgreSQL, asked how it would go about what a service executes.

    Args:
        db: the service's database.
        pages: of each table that grows.
        partial: the indexes that hold a part of a table only.
    """

    def __init__(self, db: Database, pages: Mapping[str, int], partial: Collection[str]) -> None:
        self._db = db
        self._pages = pages
        self._partial = partial

    @classmethod
    async def of(cls, db: Database) -> Self:
        """Look at what there is."""
        async with db.engine.connect() as connection:
            pages = await connection.exec_driver_sql(
                f"SELECT relname, relpages FROM pg_class WHERE relkind = 'r' AND reltuples >= {FILLED}"  # noqa: S608 - ours
            )
            partial = await connection.exec_driver_sql(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
            )
            return cls(db, {row.relname: row.relpages for row in pages}, frozenset(partial.scalars()))

    async def plan(self, statement: Statement, *, scans: bool = True) -> Plan:
        """How it would go about a statement, with the values it was executed with.

        Args:
            statement: as the service sent it.
            scans: whether reading tables whole is as cheap as it is; otherwise it is a last resort.
        """
        async with self._db.engine.connect() as connection:
            if not scans:
                await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            told = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters)
            plan: Plan = told.scalar_one()[0]["Plan"]
            return plan

    async def tables_read_whole(self, statement: Statement) -> set[str]:
        """The tables that grow, and that a statement reads from end to end because no index serves it."""
        whole = read_whole(await self.plan(statement), self._partial) & self._pages.keys()
        if small := {table for table in whole if self._pages[table] < LARGE_PAGES}:
            whole -= small - read_whole(await self.plan(statement, scans=False), self._partial)
        return whole


def steps(plan: Plan) -> Iterator[Plan]:
    """All steps of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def read_whole(plan: Plan, partial: Collection[str], *, stops_early: bool = False) -> set[str]:
    """The tables that a plan reads from end to end."""
    found = set()
    kind = plan["Node Type"]
    if kind == "Seq Scan":
        found.add(plan["Relation Name"])
    if kind in ("Index Scan", "Index Only Scan") and not (
        "Index Cond" in plan or plan["Index Name"] in partial or stops_early
    ):
        found.add(plan["Relation Name"])
    for part in plan.get("Plans", ()):
        early = kind == "Limit" and plan["Total Cost"] <= EARLY * part["Total Cost"]
        goes_on = stops_early and kind not in ("Sort", "Hash", "Aggregate", "Materialize")
        found |= read_whole(part, partial, stops_early=early or goes_on)
    return found


def orders_whole(plan: Plan) -> bool:
    """Whether rows are put in an order that no index has them in, after a table was read from end to end."""
    return any(step["Node Type"] == "Sort" and read_whole(step, ()) for step in steps(plan))
