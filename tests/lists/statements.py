"""What a service sends to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event

from sextant_shared.db import Database


@dataclass(frozen=True)
class Statement:
    """One statement, as it was executed."""

    text: str
    parameters: Any


@contextmanager
def listening(db: Database) -> Iterator[list[Statement]]:
    """Note what is asked in a block."""
    heard: list[Statement] = []

    def note(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            heard.append(Statement(statement, parameters))

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", note)
