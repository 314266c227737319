"""The `Database` port (PostgreSQL, SQLite), units of work, the outbox and the inbox.

Knows no service's tables and no broker.
"""

from sextant_shared.db.engine import Database
from sextant_shared.db.inbox import inbox_table, is_first_delivery
from sextant_shared.db.model import NAMING, UtcDateTime, big_id, utc_now
from sextant_shared.db.outbox import OutboxDispatcher, outbox_table
from sextant_shared.db.session import Row, Session
from sextant_shared.db.transaction import Transaction

__all__ = [
    "NAMING",
    "Database",
    "OutboxDispatcher",
    "Row",
    "Session",
    "Transaction",
    "UtcDateTime",
    "big_id",
    "inbox_table",
    "is_first_delivery",
    "outbox_table",
    "utc_now",
]
