"""The tables of work: tasks, their runs, and what the runs are given, give back and show.

Inputs, results and logs stand in tables of their own, so that a list or a status never drags them along. Deleting a
task deletes its whole subtree, with runs and payloads: the foreign keys see to it. Users belong to auth; their ids
are kept here without a foreign key.
"""

from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table, Text, false

from sextant_api.models._base import metadata
from sextant_api.models.blobs import MAX_BLOB_ID
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db.model import UtcDateTime, big_id, id_column, utc_now
from sextant_shared.db.patterns import pattern_index

tasks = Table(
    "tasks",
    metadata,
    id_column(),
    # of a task that a user made: its own id; of a subtask: its parent's
    Column("job_id", big_id, nullable=False),
    Column("name", String(128), nullable=False, server_default=""),
    Column("description", String(1024), nullable=False, server_default=""),
    Column("image", Text, nullable=False),
    Column("collaboration_id", big_id, ForeignKey("collaborations.id", ondelete="CASCADE"), nullable=False),
    Column("study_id", big_id, ForeignKey("studies.id", ondelete="CASCADE")),
    Column("store_id", big_id, ForeignKey("algorithm_stores.id", ondelete="SET NULL")),
    Column("init_org_id", big_id, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("init_user_id", big_id, nullable=False),
    Column("parent_id", big_id, ForeignKey("tasks.id", ondelete="CASCADE")),
    # [{label, parameters}] as the wire shows them; `task_databases` is for searching
    Column("databases", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, server_default=utc_now()),
    # kept in step with the runs' by whoever changes one, in the same transaction
    Column("status", String(32), nullable=False, server_default=RunStatus.PENDING.value),
    Column("finished_at", UtcDateTime),
    Index("ix_tasks_collaboration_id_id", "collaboration_id", "id"),
    Index("ix_tasks_init_org_id_id", "init_org_id", "id"),
    Index("ix_tasks_init_user_id_id", "init_user_id", "id"),
    Index("ix_tasks_status_id", "status", "id"),
    Index("ix_tasks_job_id", "job_id"),
    Index("ix_tasks_parent_id", "parent_id"),
    Index("ix_tasks_study_id", "study_id"),
    Index("ix_tasks_store_id", "store_id"),
    Index("ix_tasks_name", "name"),
    sqlite_autoincrement=True,
)
pattern_index("ix_tasks_patterns", tasks.c.name, tasks.c.description, tasks.c.image)

LABEL_LENGTH = 255
"""The longest label by which tasks are found; longer ones are only shown."""

# A row for each task of whose making the client may not have heard yet. It goes once the answer is sent, so that the
# few that stay are those whose answer got lost: by them a repeated request is recognised.
unheard_tasks = Table(
    "unheard_tasks",
    metadata,
    Column("task_id", big_id, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False, server_default=utc_now()),
    Index("ix_unheard_tasks_fingerprint", "fingerprint"),
    Index("ix_unheard_tasks_made_at", "made_at"),
)

task_databases = Table(
    "task_databases",
    metadata,
    Column("task_id", big_id, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(LABEL_LENGTH), primary_key=True),
    Index("ix_task_databases_label", "label"),
)

runs = Table(
    "runs",
    metadata,
    id_column(),
    Column("task_id", big_id, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("organization_id", big_id, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    # the task's, repeated: what one may see and what a node has to do is found without the task
    Column("collaboration_id", big_id, ForeignKey("collaborations.id", ondelete="CASCADE"), nullable=False),
    Column("status", String(32), nullable=False, server_default=RunStatus.PENDING.value),
    Column("assigned_at", UtcDateTime, nullable=False, server_default=utc_now()),
    Column("started_at", UtcDateTime),
    # set if and only if the status is final
    Column("finished_at", UtcDateTime),
    Column("cleanup_at", UtcDateTime),
    # whether the input is the id of a blob; a result says it of itself
    Column("blob_storage_used", Boolean, nullable=False, server_default=false()),
    Index("ix_runs_task_id", "task_id"),
    Index("ix_runs_collaboration_id_id", "collaboration_id", "id"),
    Index("ix_runs_organization_id_id", "organization_id", "id"),
    Index("ix_runs_assigned_at", "assigned_at"),
    Index("ix_runs_started_at", "started_at"),
    Index("ix_runs_finished_at", "finished_at"),
    sqlite_autoincrement=True,
)
# the question that every node asks on each event: what is there for me to do?
Index(
    "ix_runs_open",
    runs.c.organization_id,
    runs.c.collaboration_id,
    postgresql_where=runs.c.finished_at.is_(None),
    sqlite_where=runs.c.finished_at.is_(None),
)


def _reference(payload: str) -> "Column[str | None]":
    """A payload once more, if it is short enough to be the id of a blob: by this it is found again.

    Args:
        payload: the column that holds it; an insert fills the copy by itself, an update has to write both.
    """

    def short(context: Any) -> str | None:
        text: str = context.get_current_parameters()[payload]
        return text if len(text) <= MAX_BLOB_ID else None

    return Column("reference", String(MAX_BLOB_ID), default=short)


run_inputs = Table(
    "run_inputs",
    metadata,
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("input", Text, nullable=False),
    _reference("input"),
    Index("ix_run_inputs_reference", "reference"),
)

run_results = Table(
    "run_results",
    metadata,
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("result", Text, nullable=False),
    Column("blob_storage_used", Boolean, nullable=False, server_default=false()),
    _reference("result"),
    Index("ix_run_results_reference", "reference"),
)

# What vpn-registry says of the ports at which a run listens: [{id, port, label}] as the wire shows them;
# `run_port_numbers` is for searching.
run_ports = Table(
    "run_ports",
    metadata,
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    # of the registry, by which a late message is told from a new one
    Column("revision", big_id, nullable=False),
    Column("ports", JSON, nullable=False),
)

run_port_numbers = Table(
    "run_port_numbers",
    metadata,
    # as wide as any number that is asked for
    Column("port", big_id, primary_key=True, autoincrement=False),
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Index("ix_run_port_numbers_run_id", "run_id"),
)

# One row for each piece that was streamed; nothing is ever rewritten while a run is going on. Commands are acted upon
# in no promised order, so the order is that in which the node said the pieces.
run_logs = Table(
    "run_logs",
    metadata,
    id_column(),
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    Column("piece", Text, nullable=False),
    Index("ix_run_logs_run_id_said_at", "run_id", "said_at"),
    sqlite_autoincrement=True,
)
