"""The tables of api: all of them, so that whoever imports this has the whole metadata."""

from sextant_api.models._base import inbox, metadata, outbox
from sextant_api.models.blobs import blobs
from sextant_api.models.history import event_history, event_history_state
from sextant_api.models.structure import (
    algorithm_stores,
    collaborations,
    connections,
    memberships,
    node_configs,
    nodes,
    organizations,
    studies,
    study_members,
)
from sextant_api.models.work import (
    run_inputs,
    run_logs,
    run_port_numbers,
    run_ports,
    run_results,
    runs,
    task_databases,
    tasks,
    unheard_tasks,
)

__all__ = [
    "algorithm_stores",
    "blobs",
    "collaborations",
    "connections",
    "event_history",
    "event_history_state",
    "inbox",
    "memberships",
    "metadata",
    "node_configs",
    "nodes",
    "organizations",
    "outbox",
    "run_inputs",
    "run_logs",
    "run_port_numbers",
    "run_ports",
    "run_results",
    "runs",
    "studies",
    "study_members",
    "task_databases",
    "tasks",
    "unheard_tasks",
]
