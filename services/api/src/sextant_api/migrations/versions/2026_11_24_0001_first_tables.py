"""The first tables.

Revision: 2026_11_24_0001
"""

import sqlalchemy as sa
from alembic import op

from sextant_shared.db.model import UtcDateTime, big_id, utc_now
from sextant_shared.db.outbox import NOTIFY_TRIGGER_UP

revision = "2026_11_24_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collaborations",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("encrypted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collaborations"),
        sa.UniqueConstraint("name", name="uq_collaborations_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("consumed_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_consumed_at", "inbox", ["consumed_at"])
    op.create_table(
        "organizations",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("address1", sa.String(length=128), nullable=True),
        sa.Column("address2", sa.String(length=128), nullable=True),
        sa.Column("zipcode", sa.String(length=128), nullable=True),
        sa.Column("country", sa.String(length=128), nullable=True),
        sa.Column("domain", sa.String(length=128), nullable=True),
        sa.Column("public_key", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("name", name="uq_organizations_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_organizations_country", "organizations", ["country"])
    op.create_table(
        "outbox",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("envelope", sa.JSON(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "algorithm_stores",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("url", sa.String(length=1024), nullable=False),
        sa.Column("collaboration_id", big_id, nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_algorithm_stores_collaboration_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_algorithm_stores"),
        sa.UniqueConstraint("url", "collaboration_id", name="uq_algorithm_stores_url_collaboration_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_algorithm_stores_collaboration_id", "algorithm_stores", ["collaboration_id"])
    op.create_table(
        "memberships",
        sa.Column("collaboration_id", big_id, autoincrement=False, nullable=False),
        sa.Column("organization_id", big_id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_memberships_collaboration_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_memberships_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collaboration_id", "organization_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_organization_id", "memberships", ["organization_id"])
    op.create_table(
        "nodes",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("organization_id", big_id, nullable=False),
        sa.Column("collaboration_id", big_id, nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("last_seen", UtcDateTime(), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="offline", nullable=False),
        sa.Column("config_reported_at", UtcDateTime(), nullable=True),
        sa.Column("sync_requested_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_nodes_collaboration_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_nodes_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sa.UniqueConstraint("name", name="uq_nodes_name"),
        sa.UniqueConstraint("organization_id", "collaboration_id", name="uq_nodes_organization_id_collaboration_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_nodes_collaboration_id", "nodes", ["collaboration_id"])
    op.create_index("ix_nodes_ip", "nodes", ["ip"])
    op.create_index("ix_nodes_status", "nodes", ["status"])
    op.create_table(
        "studies",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("collaboration_id", big_id, nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_studies_collaboration_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("id", "collaboration_id", name="uq_studies_id_collaboration_id"),
        sa.UniqueConstraint("name", name="uq_studies_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_studies_collaboration_id", "studies", ["collaboration_id"])
    op.create_table(
        "connections",
        sa.Column("connection_id", sa.String(length=128), nullable=False),
        sa.Column("node_id", big_id, nullable=False),
        sa.Column("online_until", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_connections_node_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", name="pk_connections"),
    )
    op.create_index("ix_connections_node_id_online_until", "connections", ["node_id", "online_until"])
    op.create_index("ix_connections_online_until", "connections", ["online_until"])
    op.create_table(
        "node_configs",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("node_id", big_id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_node_configs_node_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_node_configs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_node_configs_node_id", "node_configs", ["node_id"])
    op.create_table(
        "study_members",
        sa.Column("study_id", big_id, autoincrement=False, nullable=False),
        sa.Column("organization_id", big_id, autoincrement=False, nullable=False),
        sa.Column("collaboration_id", big_id, nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id", "organization_id"],
            ["memberships.collaboration_id", "memberships.organization_id"],
            name="fk_study_members_collaboration_id_organization_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "collaboration_id"],
            ["studies.id", "studies.collaboration_id"],
            name="fk_study_members_study_id_collaboration_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "organization_id", name="pk_study_members"),
    )
    op.create_index(
        "ix_study_members_collaboration_id_organization_id", "study_members", ["collaboration_id", "organization_id"]
    )
    op.create_index("ix_study_members_organization_id", "study_members", ["organization_id"])
    op.create_table(
        "tasks",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("job_id", big_id, nullable=False),
        sa.Column("name", sa.String(length=128), server_default="", nullable=False),
        sa.Column("description", sa.String(length=1024), server_default="", nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("collaboration_id", big_id, nullable=False),
        sa.Column("study_id", big_id, nullable=True),
        sa.Column("store_id", big_id, nullable=True),
        sa.Column("init_org_id", big_id, nullable=False),
        sa.Column("init_user_id", big_id, nullable=False),
        sa.Column("parent_id", big_id, nullable=True),
        sa.Column("databases", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.Column("status", sa.String(length=32), server_default="pending", nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_tasks_collaboration_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["init_org_id"], ["organizations.id"], name="fk_tasks_init_org_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["tasks.id"], name="fk_tasks_parent_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["store_id"], ["algorithm_stores.id"], name="fk_tasks_store_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_tasks_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_collaboration_id_id", "tasks", ["collaboration_id", "id"])
    op.create_index("ix_tasks_init_org_id_id", "tasks", ["init_org_id", "id"])
    op.create_index("ix_tasks_init_user_id_id", "tasks", ["init_user_id", "id"])
    op.create_index("ix_tasks_job_id", "tasks", ["job_id"])
    op.create_index("ix_tasks_name", "tasks", ["name"])
    op.create_index("ix_tasks_parent_id", "tasks", ["parent_id"])
    op.create_index("ix_tasks_status_id", "tasks", ["status", "id"])
    op.create_index("ix_tasks_store_id", "tasks", ["store_id"])
    op.create_index("ix_tasks_study_id", "tasks", ["study_id"])
    op.create_table(
        "runs",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("task_id", big_id, nullable=False),
        sa.Column("organization_id", big_id, nullable=False),
        sa.Column("collaboration_id", big_id, nullable=False),
        sa.Column("status", sa.String(length=32), server_default="pending", nullable=False),
        sa.Column("assigned_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("cleanup_at", UtcDateTime(), nullable=True),
        sa.Column("blob_storage_used", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collaboration_id"], ["collaborations.id"], name="fk_runs_collaboration_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_runs_organization_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_runs_task_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_assigned_at", "runs", ["assigned_at"])
    op.create_index("ix_runs_collaboration_id_id", "runs", ["collaboration_id", "id"])
    op.create_index("ix_runs_finished_at", "runs", ["finished_at"])
    op.create_index(
        "ix_runs_open",
        "runs",
        ["organization_id", "collaboration_id"],
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )
    op.create_index("ix_runs_organization_id_id", "runs", ["organization_id", "id"])
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_index("ix_runs_task_id", "runs", ["task_id"])
    op.create_table(
        "task_databases",
        sa.Column("task_id", big_id, nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_databases_task_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "label", name="pk_task_databases"),
    )
    op.create_index("ix_task_databases_label", "task_databases", ["label"])
    op.create_table(
        "run_inputs",
        sa.Column("run_id", big_id, autoincrement=False, nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_inputs_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_inputs"),
    )
    op.create_table(
        "run_logs",
        sa.Column("id", big_id, sa.Identity(), nullable=False),
        sa.Column("run_id", big_id, nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("piece", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_logs_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_run_logs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_logs_run_id_said_at", "run_logs", ["run_id", "said_at"])
    op.create_table(
        "run_results",
        sa.Column("run_id", big_id, autoincrement=False, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_results_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_results"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in NOTIFY_TRIGGER_UP:
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("run_results")
    op.drop_table("run_logs")
    op.drop_table("run_inputs")
    op.drop_table("task_databases")
    op.drop_table("runs")
    op.drop_table("tasks")
    op.drop_table("study_members")
    op.drop_table("node_configs")
    op.drop_table("connections")
    op.drop_table("studies")
    op.drop_table("nodes")
    op.drop_table("memberships")
    op.drop_table("algorithm_stores")
    op.drop_table("outbox")
    op.drop_table("organizations")
    op.drop_table("inbox")
    op.drop_table("collaborations")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION notify_outbox()")
