"""The order in which organizations joined collaborations and studies.

Those that are members already share the first place: lists go by place, then by id, so they stay as they were and
whoever joins comes after them. The version before this one writes no place and goes on working meanwhile.

Revision: 2026_11_24_0003
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_0003"
down_revision = "2026_11_24_0002"
branch_labels = None
depends_on = None

_TABLES = ("memberships", "study_members")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("place", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "place")
