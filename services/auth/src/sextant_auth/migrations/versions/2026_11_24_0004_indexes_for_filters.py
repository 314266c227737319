"""Indexes for every filter of a list: trigrams for patterns, and what else had none.

The extension `pg_trgm` comes with PostgreSQL and is a trusted one: who owns the database may make it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PATTERNS = {
    "users": ["username", "firstname", "lastname", "email"],
    "roles": ["name", "description"],
}


def upgrade() -> None:
    op.create_index(
        "ix_roles_default",
        "roles",
        ["id"],
        postgresql_where=sa.text("is_default_role"),
        sqlite_where=sa.text("is_default_role"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for table, columns in _PATTERNS.items():
            op.create_index(
                f"ix_{table}_patterns",
                table,
                columns,
                postgresql_using="gin",
                postgresql_ops=dict.fromkeys(columns, "gin_trgm_ops"),
            )


def downgrade() -> None:
    # the extension stays: somebody else may use it by now
    if op.get_bind().dialect.name == "postgresql":
        for table in _PATTERNS:
            op.drop_index(f"ix_{table}_patterns", table)
    op.drop_index("ix_roles_default", "roles")
