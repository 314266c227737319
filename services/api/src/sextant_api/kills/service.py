"""Ends runs on a user's word: their state first, then the nodes are told.

Whoever kills holds the rows of the tasks concerned, so a run that ends by itself at the same moment ends once.
"""

from collections.abc import Sequence
from typing import Final

from sextant_api.kills import repository
from sextant_api.kills.repository import NodeToClear
from sextant_api.runs import repository as runs_repository
from sextant_api.runs.events import status_changed
from sextant_api.runs.repository import RunOfNode
from sextant_api.tasks import repository as tasks_repository
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.events import KilledRun, NodeTasksKilled, TaskKilled
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db import Transaction

_AT_ONCE: Final = 1000


async def kill_subtree(tx: Transaction, task_id: int) -> bool:
    """End all runs of a task and of all that descends from it; tells whether there was anything to end."""
    task_ids = await runs_repository.lock_subtree(tx.session, task_id)
    killed = await _end(tx, await runs_repository.kill_runs(tx.session, task_ids))
    if killed:
        # subtasks stay in the collaboration of their parent
        tx.record(TaskKilled(task_id=task_id, collaboration_id=killed[0].collaboration_id, runs=_kill_list(killed)))
    return bool(killed)


async def kill_at_node(tx: Transaction, node: NodeToClear) -> None:
    """End all runs at a node; it is told even if we know of none, since it may."""
    task_ids = await repository.find_tasks_open_at(tx.session, node)
    await runs_repository.lock_tasks(tx.session, task_ids)
    killed = await _end(tx, await runs_repository.kill_runs(tx.session, task_ids, node.organization_id))
    tx.record(NodeTasksKilled(node_id=node.id, collaboration_id=node.collaboration_id, runs=_kill_list(killed)))


async def kill_all(tx: Transaction, narrowed: TaskFilter, *, at_once: int = _AT_ONCE) -> None:
    """End all runs of some tasks and of all that descends from them, before they are deleted."""
    # what has ended is not found again; what began meanwhile is
    while task_ids := await tasks_repository.find_going_on(tx.session, narrowed, limit=at_once):
        await runs_repository.lock_tasks(tx.session, task_ids)
        _tell(tx, await _end(tx, await runs_repository.kill_runs(tx.session, task_ids)))


async def kill_all_of_organization(tx: Transaction, organization_id: int) -> None:
    """End all runs of an organization's tasks, and its own runs of others' tasks, before it is deleted."""
    await kill_all(tx, TaskFilter(init_org_id=organization_id))
    while task_ids := await tasks_repository.find_going_on_at(tx.session, organization_id, limit=_AT_ONCE):
        await runs_repository.lock_tasks(tx.session, task_ids)
        _tell(tx, await _end(tx, await runs_repository.kill_runs(tx.session, task_ids, organization_id)))


def _tell(tx: Transaction, killed: Sequence[RunOfNode]) -> None:
    """Let the nodes hear of it, one job at a time."""
    of_jobs: dict[tuple[int, int], list[RunOfNode]] = {}
    for run in killed:
        of_jobs.setdefault((run.job_id, run.collaboration_id), []).append(run)
    for (job_id, collaboration_id), runs in of_jobs.items():
        # a job's id is that of the task it began with
        tx.record(TaskKilled(task_id=job_id, collaboration_id=collaboration_id, runs=_kill_list(runs)))


async def _end(tx: Transaction, run_ids: Sequence[int]) -> Sequence[RunOfNode]:
    killed = await runs_repository.find_runs_of_nodes(tx.session, run_ids)
    await runs_repository.refresh_task_statuses(tx.session, {run.task_id for run in killed})
    for run in killed:
        tx.record(status_changed(run, RunStatus.KILLED, announce=True))
    return killed


def _kill_list(killed: Sequence[RunOfNode]) -> list[KilledRun]:
    return [KilledRun(task_id=run.task_id, run_id=run.id, organization_id=run.organization_id) for run in killed]
