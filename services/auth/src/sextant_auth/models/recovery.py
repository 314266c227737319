"""Tokens that were mailed to users who lost a password or a second factor."""

from sqlalchemy import Column, ForeignKey, String, Table

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, big_id

recovery_tokens = Table(
    "recovery_tokens",
    metadata,
    # SHA-256: the tokens are random, so nothing slower is needed
    Column("token_hash", String(64), primary_key=True),
    # what it is good for, and nothing else
    Column("purpose", String(16), nullable=False),
    Column("user_id", big_id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    # the address as it is compared: a user that has another one by now did not get this token
    Column("mailed_to", String(320), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    # used, or replaced by a newer one
    Column("spent_at", UtcDateTime),
)
