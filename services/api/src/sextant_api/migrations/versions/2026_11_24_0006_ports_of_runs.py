"""The ports that runs show.

Revision: 2026_11_24_0006
"""

import sqlalchemy as sa
from alembic import op

from sextant_shared.db.model import big_id

revision = "2026_11_24_0006"
down_revision = "2026_11_24_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_ports",
        sa.Column("run_id", big_id, autoincrement=False, nullable=False),
        sa.Column("revision", big_id, nullable=False),
        sa.Column("ports", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_ports_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_ports"),
    )
    op.create_table(
        "run_port_numbers",
        sa.Column("port", big_id, autoincrement=False, nullable=False),
        sa.Column("run_id", big_id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_port_numbers_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("port", "run_id", name="pk_run_port_numbers"),
    )
    op.create_index("ix_run_port_numbers_run_id", "run_port_numbers", ["run_id"])


def downgrade() -> None:
    op.drop_table("run_port_numbers")
    op.drop_table("run_ports")
