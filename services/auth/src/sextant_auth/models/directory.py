"""A projection of what api owns: which organizations there are, and who shares a collaboration with whom.

An organization that was deleted stays as a mark, and so does a collaboration's revision, so that a late message never
undoes a newer one.
"""

from sqlalchemy import Boolean, Column, Integer, Table

from sextant_auth.models._base import metadata
from sextant_shared.db import big_id

organizations = Table(
    "organizations",
    metadata,
    Column("id", big_id, primary_key=True, autoincrement=False),
    Column("deleted", Boolean, nullable=False, server_default="0"),
)

collaborations = Table(
    "collaborations",
    metadata,
    Column("id", big_id, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("collaboration_id", big_id, primary_key=True, autoincrement=False),
    Column("organization_id", big_id, primary_key=True, autoincrement=False, index=True),
)
