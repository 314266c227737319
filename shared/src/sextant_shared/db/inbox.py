"""The inbox: which messages a consumer has already acted upon, kept beside the effects of acting."""

from sqlalchemy import Column, MetaData, String, Table, Uuid
from sqlalchemy.dialects import postgresql, sqlite

from sextant_shared.contract.messages import Envelope
from sextant_shared.db.model import UtcDateTime, utc_now
from sextant_shared.db.transaction import Transaction


def inbox_table(metadata: MetaData) -> Table:
    """Declare the inbox in a service's metadata."""
    return Table(
        "inbox",
        metadata,
        Column("message_id", Uuid, primary_key=True),
        Column("type", String(64), nullable=False),
        Column("consumed_at", UtcDateTime, nullable=False, server_default=utc_now(), index=True),
    )


async def is_first_delivery(tx: Transaction, table: Table, envelope: Envelope) -> bool:
    """Note the message in this transaction and tell whether it is new.

    Two deliveries at once: the database lets one wait for the other, and the unique key decides.
    """
    insert = sqlite.insert if tx.session.get_bind().dialect.name == "sqlite" else postgresql.insert
    noted = await tx.session.execute(
        insert(table)
        .values(message_id=envelope.id, type=envelope.type)
        .on_conflict_do_nothing(index_elements=[table.c.message_id])
        .returning(table.c.message_id)
    )
    return noted.first() is not None
