"""A run and its result as the wire shows them.

Rows come as plain tuples in the order of the repository's columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sextant_shared.http.hateoas import link, wire_time


def run_body(run: Sequence[Any], logs: Mapping[int, str], *, task: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Show a run.

    Args:
        run: `repository.RUN_COLUMNS`.
        logs: by run; one without a log is absent.
        task: shown in place of the link to it.
    """
    (
        run_id,
        task_id,
        organization_id,
        status,
        assigned_at,
        started_at,
        finished_at,
        cleanup_at,
        blob_storage_used,
        node_id,
        node_name,
        node_ip,
        node_status,
        run_input,
        ports,
    ) = run
    node = {} if node_id is None else {"id": node_id, "name": node_name, "ip": node_ip, "status": node_status}
    return {
        "id": run_id,
        "task": link("task", task_id) if task is None else task,
        "organization": link("organization", organization_id),
        "node": node,
        "ports": ports or [],
        "results": link("result", run_id),
        "status": status,
        "assigned_at": wire_time(assigned_at),
        "started_at": wire_time(started_at),
        "finished_at": wire_time(finished_at),
        "cleanup_at": wire_time(cleanup_at),
        "blob_storage_used": blob_storage_used,
        "input": run_input,
        "log": logs.get(run_id),
    }


def result_body(result: Sequence[Any]) -> dict[str, Any]:
    """Show a result; it is named by its run.

    Args:
        result: `repository.RESULT_COLUMNS`.
    """
    run_id, task_id, cleanup_at, blob_storage_used, text = result
    return {
        "id": run_id,
        "run": link("run", run_id),
        "task": link("task", task_id),
        "result": text,
        "cleanup_at": wire_time(cleanup_at),
        "blob_storage_used": blob_storage_used,
    }
