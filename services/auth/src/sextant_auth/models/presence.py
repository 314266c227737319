"""The connections of users to the event channel, each with a lease; see `sextant_shared.db.leases`."""

from sqlalchemy import Column, ForeignKey, Index, String, Table

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, big_id

user_connections = Table(
    "user_connections",
    metadata,
    Column("connection_id", String(128), primary_key=True),
    Column("user_id", big_id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("online_until", UtcDateTime, nullable=False, index=True),
    # a closed connection stays for a while, so that an opening that arrives late does not bring it back to life
    Column("closed_at", UtcDateTime),
    Index(None, "user_id", "online_until"),
)
