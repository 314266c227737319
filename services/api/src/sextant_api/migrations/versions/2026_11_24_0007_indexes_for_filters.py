"""Indexes for every filter of a list: trigrams for patterns, and what else had none.

The extension `pg_trgm` comes with PostgreSQL and is a trusted one: who owns the database may make it.

Revision: 2026_11_24_0007
"""

from alembic import op

revision = "2026_11_24_0007"
down_revision = "2026_11_24_0006"
branch_labels = None
depends_on = None

_PATTERNS = {
    "organizations": ["name"],
    "collaborations": ["name"],
    "studies": ["name"],
    "nodes": ["name"],
    "algorithm_stores": ["name", "url"],
    "tasks": ["name", "description", "image"],
}


def upgrade() -> None:
    op.create_index("ix_collaborations_encrypted", "collaborations", ["encrypted"])
    op.create_index("ix_nodes_last_seen", "nodes", ["last_seen"])
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
    op.drop_index("ix_nodes_last_seen", "nodes")
    op.drop_index("ix_collaborations_encrypted", "collaborations")
