"""First tables: ports and their leases, the copies of runs and nodes, the outbox."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from sextant_shared.db import UtcDateTime, big_id, utc_now
from sextant_shared.db.outbox import NOTIFY_TRIGGER_UP

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", big_id, autoincrement=False, nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=True),
        sa.Column("presence", sa.String(length=16), nullable=False),
        sa.Column("ip_as_of", UtcDateTime, nullable=False),
        sa.Column("presence_as_of", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", big_id, sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("envelope", sa.JSON(), nullable=False),
        sa.Column("recorded_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "runs",
        sa.Column("id", big_id, autoincrement=False, nullable=False),
        sa.Column("task_id", big_id, nullable=False),
        sa.Column("parent_id", big_id, nullable=True),
        sa.Column("organization_id", big_id, nullable=False),
        sa.Column("collaboration_id", big_id, nullable=False),
        sa.Column("node_id", big_id, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("revision", big_id, nullable=False),
        sa.Column("checked_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_task_id", "runs", ["task_id"])
    op.create_index("ix_runs_parent_id", "runs", ["parent_id"])
    op.create_index("ix_runs_node_id", "runs", ["node_id"])
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"])
    op.create_index(
        "ix_runs_open",
        "runs",
        ["id"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "ports",
        sa.Column("id", big_id, sa.Identity(always=False), nullable=False),
        sa.Column("run_id", big_id, nullable=False),
        sa.Column("node_id", big_id, nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_ports_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_ports"),
        sa.UniqueConstraint("run_id", "port", name="uq_ports_run_id_port"),
        sa.UniqueConstraint("address", "port", name="uq_ports_address_port"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ports_node_id", "ports", ["node_id"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in NOTIFY_TRIGGER_UP:
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("ports")
    op.drop_table("runs")
    op.drop_table("outbox")
    op.drop_table("nodes")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION notify_outbox()")
