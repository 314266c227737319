"""A task as the wire shows it.

Rows come as plain tuples in the order of the repository's columns: a page of tasks is made without one object per row.
"""

from collections.abc import Sequence
from typing import Any

from sextant_shared.http.hateoas import link, link_or_none, list_path, wire_time


def task_body(
    task: Sequence[Any],
    *,
    runs: Sequence[dict[str, Any]] | None = None,
    results: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Show a task.

    Args:
        task: `repository.TASK_COLUMNS`.
        runs: shown in place of the link to them.
        results: shown in place of the link to them.
    """
    return {
        **task_inside_run(task),
        "runs": list_path("run", task_id=task[0]) if runs is None else runs,
        **({} if results is None else {"results": results}),
    }


def task_inside_run(task: Sequence[Any]) -> dict[str, Any]:
    """Show a task as a part of its run."""
    (
        task_id,
        job_id,
        name,
        description,
        image,
        collaboration_id,
        study_id,
        store_id,
        init_org_id,
        init_user_id,
        parent_id,
        databases,
        created_at,
        status,
        finished_at,
    ) = task
    return {
        "id": task_id,
        "name": name,
        "description": description,
        "image": image,
        "status": status,
        "job_id": job_id,
        "databases": databases,
        "created_at": wire_time(created_at),
        "finished_at": wire_time(finished_at),
        "collaboration": link("collaboration", collaboration_id),
        "study": link_or_none("study", study_id),
        "algorithm_store": link_or_none("algorithmstore", store_id),
        "init_org": link("organization", init_org_id),
        "init_user": link("user", init_user_id),
        "parent": link_or_none("task", parent_id),
        "children": list_path("task", parent_id=task_id),
        "results": list_path("result", task_id=task_id),
    }
