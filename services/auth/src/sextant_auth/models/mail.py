"""Mails that wait to be sent."""

from sqlalchemy import Column, Integer, String, Table, Text, Uuid

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, utc_now

mail_queue = Table(
    "mail_queue",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("recipient", String(320), nullable=False),
    # subject and text: a mail may hold a token, which is readable nowhere else
    Column("letter_encrypted", Text, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False, server_default=utc_now()),
    # when it is to be tried next; whoever tries it moves this on first, so that nobody else does meanwhile
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # when it is of no use any more
    Column("expires_at", UtcDateTime, nullable=False),
)
