"""Blobs and what refers to them; algorithm stores that are there by force.

Revision: 2026_11_24_0002
"""

import sqlalchemy as sa
from alembic import op

from sextant_shared.db.model import UtcDateTime, utc_now

revision = "2026_11_24_0002"
down_revision = "2026_11_24_0001"
branch_labels = None
depends_on = None

_FOR_ALL = "uq_algorithm_stores_url"


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("blob_id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("doomed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("blob_id", name="pk_blobs"),
    )
    op.create_index("ix_blobs_created_at", "blobs", ["created_at"])
    op.create_index("ix_blobs_doomed_at", "blobs", ["doomed_at"])
    op.add_column(
        "run_results", sa.Column("blob_storage_used", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    for table, payload in (("run_inputs", "input"), ("run_results", "result")):
        op.add_column(table, sa.Column("reference", sa.String(length=64), nullable=True))
        column = sa.column(payload, sa.Text())
        rows = sa.table(table, column, sa.column("reference"))
        op.execute(sa.update(rows).where(sa.func.length(column) <= sa.literal(64)).values(reference=column))
        op.create_index(f"ix_{table}_reference", table, ["reference"])
    op.add_column("algorithm_stores", sa.Column("is_forced", sa.Boolean(), server_default=sa.false(), nullable=False))
    # of several that are for all, the first stays
    op.execute(
        "DELETE FROM algorithm_stores WHERE collaboration_id IS NULL AND id NOT IN "
        "(SELECT min(id) FROM algorithm_stores WHERE collaboration_id IS NULL GROUP BY url)"
    )
    op.create_index(
        _FOR_ALL,
        "algorithm_stores",
        ["url"],
        unique=True,
        postgresql_where=sa.text("collaboration_id IS NULL"),
        sqlite_where=sa.text("collaboration_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(_FOR_ALL, "algorithm_stores")
    op.drop_column("algorithm_stores", "is_forced")
    for table in ("run_inputs", "run_results"):
        op.drop_index(f"ix_{table}_reference", table)
        op.drop_column(table, "reference")
    op.drop_column("run_results", "blob_storage_used")
    op.drop_table("blobs")
