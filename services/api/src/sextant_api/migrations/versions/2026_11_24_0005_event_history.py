"""The history of events, and the trigger that writes it beside the outbox.

Revision: 2026_11_24_0005
"""

import sqlalchemy as sa
from alembic import op

from sextant_shared.db.model import UtcDateTime, utc_now

revision = "2026_11_24_0005"
down_revision = "2026_11_24_0004"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_POSTGRESQL_UP = (
    """
    CREATE FUNCTION keep_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO event_history (collaboration_id, envelope)
        SELECT (envelope ->> 'collaboration_id')::bigint, envelope FROM recorded ORDER BY id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER outbox_history AFTER INSERT ON outbox REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION keep_event()
    """,
)
_SQLITE_UP = """
    CREATE TRIGGER outbox_history AFTER INSERT ON outbox
    BEGIN
        INSERT INTO event_history (collaboration_id, envelope)
        VALUES (json_extract(NEW.envelope, '$.collaboration_id'), NEW.envelope);
    END
    """


def upgrade() -> None:
    op.create_table(
        "event_history",
        sa.Column("id", _COUNTED, sa.Identity(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("collaboration_id", _COUNTED, nullable=True),
        sa.Column("envelope", sa.JSON(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), server_default=utc_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_history"),
        sa.UniqueConstraint("position", name="uq_event_history_position"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_event_history_new",
        "event_history",
        ["id"],
        postgresql_where=sa.text("position IS NULL"),
        sqlite_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "event_history_state",
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("newest", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("oldest", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_event_history_state"),
    )
    for statement in _POSTGRESQL_UP if op.get_bind().dialect.name == "postgresql" else (_SQLITE_UP,):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER outbox_history ON outbox")
        op.execute("DROP FUNCTION keep_event()")
    else:
        op.execute("DROP TRIGGER outbox_history")
    op.drop_table("event_history_state")
    op.drop_table("event_history")
