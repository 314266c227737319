"""The audit log: written once, never changed (the database refuses it)."""

from sqlalchemy import Column, Index, String, Table

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, big_id, utc_now
from sextant_shared.db.model import id_column

audit_log = Table(
    "audit_log",
    metadata,
    id_column(),
    Column("at", UtcDateTime, nullable=False, server_default=utc_now(), index=True),
    Column("actor_type", String(16), nullable=False),
    Column("actor_id", big_id),
    # as claimed, for actors without an id
    Column("actor_name", String(128)),
    Column("action", String(64), nullable=False),
    Column("target_type", String(16)),
    Column("target_id", big_id),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(64)),
    Column("request_id", String(128)),
    Column("address", String(64)),
    Index("ix_audit_log_actor", "actor_type", "actor_id"),
    Index("ix_audit_log_target", "target_type", "target_id"),
    sqlite_autoincrement=True,
)
