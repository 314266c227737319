"""Recovery tokens, the queue of mails, and when a second factor's recovery was mailed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from sextant_shared.db import UtcDateTime, big_id, utc_now

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("users", sa.Column("otp_recovery_mailed_at", UtcDateTime, nullable=True))
    op.create_table(
        "mail_queue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("letter_encrypted", sa.Text(), nullable=False),
        sa.Column("queued_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail_queue"),
    )
    op.create_index("ix_mail_queue_due_at", "mail_queue", ["due_at"], unique=False)
    op.create_table(
        "recovery_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("user_id", big_id, nullable=False),
        sa.Column("mailed_to", sa.String(length=320), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("spent_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_tokens_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_recovery_tokens"),
    )
    op.create_index("ix_recovery_tokens_expires_at", "recovery_tokens", ["expires_at"], unique=False)
    op.create_index("ix_recovery_tokens_user_id", "recovery_tokens", ["user_id"], unique=False)
