"""Who is connected to the event channel, and when api was told that a node was seen."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from sextant_shared.db import UtcDateTime, big_id

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("users", sa.Column("status", sa.String(length=16), nullable=True))
    op.create_index("ix_users_status", "users", ["status"], unique=False)
    op.add_column("node_credentials", sa.Column("seen_told_at", UtcDateTime, nullable=True))
    op.create_table(
        "user_connections",
        sa.Column("connection_id", sa.String(length=128), nullable=False),
        sa.Column("user_id", big_id, nullable=False),
        sa.Column("online_until", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_connections_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", name="pk_user_connections"),
    )
    op.create_index("ix_user_connections_online_until", "user_connections", ["online_until"], unique=False)
    op.create_index(
        "ix_user_connections_user_id_online_until", "user_connections", ["user_id", "online_until"], unique=False
    )
