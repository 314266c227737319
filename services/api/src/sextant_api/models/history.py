"""The history of events: what was told, in the order in which it can be read again.

A trigger writes a row beside every fact that is put into the outbox, in the same transaction, so a fact and its place
in the history are true together and whoever publishes has nothing to do with it. Rows have no position at first;
`history.repository.number_new` gives them theirs, one transaction at a time, so positions become visible in their
order. The trigger is in the migration: a statement of the service would cost a third of what recording a fact does.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Table, Uuid, text

from sextant_api.models._base import metadata
from sextant_shared.db.model import UtcDateTime, big_id, id_column, utc_now

event_history = Table(
    "event_history",
    metadata,
    id_column(),
    # null: written, but not yet in the order
    Column("position", BigInteger, unique=True),
    # as in the envelope, to narrow by; null: of none
    Column("collaboration_id", big_id),
    Column("envelope", JSON, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False, server_default=utc_now()),
    sqlite_autoincrement=True,
)
Index(
    "ix_event_history_new",
    event_history.c.id,
    postgresql_where=event_history.c.position.is_(None),
    sqlite_where=event_history.c.position.is_(None),
)

# One row. Whoever gives out positions or clears away holds it.
event_history_state = Table(
    "event_history_state",
    metadata,
    # changes when the history was lost or restored: positions of another epoch mean nothing
    Column("epoch", Uuid, primary_key=True),
    Column("newest", BigInteger, nullable=False, server_default=text("0")),
    # one more than `newest` if nothing is kept
    Column("oldest", BigInteger, nullable=False, server_default=text("1")),
)
