"""First tables: accounts, credentials, tokens, the audit log, the projection of memberships, outbox and inbox."""

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
        "audit_log",
        sa.Column("id", big_id, sa.Identity(always=False), nullable=False),
        sa.Column("at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.Column("actor_type", sa.String(length=16), nullable=False),
        sa.Column("actor_id", big_id, nullable=True),
        sa.Column("actor_name", sa.String(length=128), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target_type", sa.String(length=16), nullable=True),
        sa.Column("target_id", big_id, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_actor", "audit_log", ["actor_type", "actor_id"], unique=False)
    op.create_index("ix_audit_log_at", "audit_log", ["at"], unique=False)
    op.create_index("ix_audit_log_target", "audit_log", ["target_type", "target_id"], unique=False)
    op.create_table(
        "collaborations",
        sa.Column("id", big_id, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collaborations"),
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("consumed_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_consumed_at", "inbox", ["consumed_at"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("collaboration_id", big_id, autoincrement=False, nullable=False),
        sa.Column("organization_id", big_id, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("collaboration_id", "organization_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_organization_id", "memberships", ["organization_id"], unique=False)
    op.create_table(
        "node_credentials",
        sa.Column("node_id", big_id, autoincrement=False, nullable=False),
        sa.Column("organization_id", big_id, nullable=False),
        sa.Column("collaboration_id", big_id, nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key_hmac", sa.String(length=64), nullable=True),
        sa.Column("legacy_hash", sa.String(length=255), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tokens_valid_from", big_id, server_default="0", nullable=False),
        sa.Column("profile_as_of", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", name="pk_node_credentials"),
        sa.UniqueConstraint("key_hmac", name="uq_node_credentials_key_hmac"),
    )
    op.create_index("ix_node_credentials_collaboration_id", "node_credentials", ["collaboration_id"], unique=False)
    op.create_index(
        "ix_node_credentials_legacy",
        "node_credentials",
        ["node_id"],
        unique=False,
        postgresql_where=sa.text("legacy_hash IS NOT NULL"),
        sqlite_where=sa.text("legacy_hash IS NOT NULL"),
    )
    op.create_index("ix_node_credentials_organization_id", "node_credentials", ["organization_id"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", big_id, autoincrement=False, nullable=False),
        sa.Column("deleted", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
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
        "refresh_families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_type", sa.String(length=16), nullable=False),
        sa.Column("principal_id", big_id, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("parent_generation", sa.Integer(), nullable=False),
        sa.Column("superseded", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.Column("rotated_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.Column("revoked_for", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_families"),
    )
    op.create_index("ix_refresh_families_expires_at", "refresh_families", ["expires_at"], unique=False)
    op.create_index("ix_refresh_families_principal", "refresh_families", ["principal_id", "client_type"], unique=False)
    op.create_table(
        "roles",
        sa.Column("id", big_id, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=True),
        sa.Column("organization_id", big_id, nullable=True),
        sa.Column("is_default_role", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_roles_organization_id", "roles", ["organization_id"], unique=False)
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
        sa.UniqueConstraint("name", "scope", "operation", name="uq_rules_name_scope_operation"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("private_jwk_encrypted", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("activated_at", UtcDateTime, nullable=True),
        sa.Column("demoted_at", UtcDateTime, nullable=True),
        sa.Column("retired_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_index(
        "uq_signing_keys_one_active",
        "signing_keys",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_signing_keys_one_pending",
        "signing_keys",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "users",
        sa.Column("id", big_id, sa.Identity(always=False), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("username_folded", sa.String(length=128), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_folded", sa.String(length=320), nullable=False),
        sa.Column("firstname", sa.String(length=128), nullable=True),
        sa.Column("lastname", sa.String(length=128), nullable=True),
        sa.Column("organization_id", big_id, nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", UtcDateTime, nullable=True),
        sa.Column("otp_secret_encrypted", sa.Text(), nullable=True),
        sa.Column("otp_pending_encrypted", sa.Text(), nullable=True),
        sa.Column("otp_last_step", big_id, nullable=True),
        sa.Column("otp_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("otp_locked_until", UtcDateTime, nullable=True),
        sa.Column("failed_login_mailed_at", UtcDateTime, nullable=True),
        sa.Column("recovery_mailed_at", UtcDateTime, nullable=True),
        sa.Column("last_seen", UtcDateTime, nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tokens_valid_from", big_id, server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime, server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_folded", name="uq_users_email_folded"),
        sa.UniqueConstraint("username_folded", name="uq_users_username_folded"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_last_seen", "users", ["last_seen"], unique=False)
    op.create_index("ix_users_organization_id", "users", ["organization_id"], unique=False)
    op.create_table(
        "role_rules",
        sa.Column("role_id", big_id, nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name="fk_role_rules_role_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name="fk_role_rules_rule_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("role_id", "rule_id", name="pk_role_rules"),
    )
    op.create_index("ix_role_rules_rule_id", "role_rules", ["rule_id"], unique=False)
    op.create_table(
        "user_roles",
        sa.Column("user_id", big_id, nullable=False),
        sa.Column("role_id", big_id, nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name="fk_user_roles_role_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_roles_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_user_roles"),
    )
    op.create_index("ix_user_roles_role_id", "user_roles", ["role_id"], unique=False)
    op.create_table(
        "user_rules",
        sa.Column("user_id", big_id, nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name="fk_user_rules_rule_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_rules_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "rule_id", name="pk_user_rules"),
    )
    op.create_index("ix_user_rules_rule_id", "user_rules", ["rule_id"], unique=False)
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    if op.get_bind().dialect.name == "postgresql":
        for statement in NOTIFY_TRIGGER_UP:
            op.execute(statement)


_APPEND_ONLY = {
    "postgresql": (
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
        """,
        """
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """,
    ),
    "sqlite": tuple(
        f"""
        CREATE TRIGGER audit_log_no_{change.lower()} BEFORE {change} ON audit_log
        BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END
        """
        for change in ("UPDATE", "DELETE")
    ),
}
