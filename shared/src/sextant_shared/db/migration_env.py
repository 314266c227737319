"""What every service's Alembic `env.py` does: run on the connection that `migration.migrate` hands over."""

from alembic import context


def run() -> None:
    """Run the migrations of the current Alembic context."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes["metadata"],
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    if connection.dialect.name == "postgresql":
        # A migration that waits long for a lock makes everyone behind it wait too: give up early instead.
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql("SET statement_timeout = '10min'")
    with context.begin_transaction():
        context.run_migrations()
