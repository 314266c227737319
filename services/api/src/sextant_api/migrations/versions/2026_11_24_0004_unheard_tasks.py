"""Tasks whose making the client has not heard of.

Revision: 2026_11_24_0004
"""

import sqlalchemy as sa
from alembic import op

from sextant_shared.db.model import UtcDateTime, utc_now

revision = "2026_11_24_0004"
down_revision = "2026_11_24_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unheard_tasks",
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_unheard_tasks_task_id_tasks", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", name="pk_unheard_tasks"),
    )
    op.create_index("ix_unheard_tasks_fingerprint", "unheard_tasks", ["fingerprint"])
    op.create_index("ix_unheard_tasks_made_at", "unheard_tasks", ["made_at"])


def downgrade() -> None:
    op.drop_table("unheard_tasks")
