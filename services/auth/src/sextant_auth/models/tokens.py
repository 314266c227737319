"""What tokens rest upon: signing keys, and families of refresh tokens."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, Uuid, text

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, big_id, utc_now

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("public_jwk", JSON, nullable=False),
    # gone as soon as the key no longer signs
    Column("private_jwk_encrypted", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime),
    Column("demoted_at", UtcDateTime),
    Column("retired_at", UtcDateTime),
)

# At most one key signs, and at most one waits to. Two replicas that rotate at once are told apart here.
Index(
    "uq_signing_keys_one_active",
    signing_keys.c.state,
    unique=True,
    postgresql_where=text("state = 'active'"),
    sqlite_where=text("state = 'active'"),
)
Index(
    "uq_signing_keys_one_pending",
    signing_keys.c.state,
    unique=True,
    postgresql_where=text("state = 'pending'"),
    sqlite_where=text("state = 'pending'"),
)

refresh_families = Table(
    "refresh_families",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_type", String(16), nullable=False),
    Column("principal_id", big_id, nullable=False),
    # the newest generation given out, and the one whose holder got it
    Column("generation", Integer, nullable=False),
    Column("parent_generation", Integer, nullable=False),
    # [[generation, Unix time at which it was superseded], ...] within the grace
    Column("superseded", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, server_default=utc_now()),
    Column("rotated_at", UtcDateTime, nullable=False),
    # when the newest token runs out, and with it the family
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("revoked_at", UtcDateTime),
    Column("revoked_for", String(32)),
    Index("ix_refresh_families_principal", "principal_id", "client_type"),
)
