"""Decides what becomes of a run when its node says something about it.

A run is a state machine: it moves forward only, and nothing moves it once it has ended. The status of its task is kept
in step in the same transaction, while the task's row is held.
"""

from typing import Any

from sextant_api.blobstream.uploads import claim
from sextant_api.runs import repository
from sextant_api.runs.events import status_changed
from sextant_api.runs.repository import RunOfNode
from sextant_api.runs.schemas import RunChange
from sextant_shared.contract.errors import BadRequestError, NotFoundError, PermissionDeniedError
from sextant_shared.contract.statuses import RunStatus, may_follow
from sextant_shared.db import Transaction
from sextant_shared.security import Principal


async def change(tx: Transaction, node: Principal, run_id: int, asked: RunChange) -> None:
    """Act upon what a node says about its run.

    Raises:
        NotFoundError: there is no such run.
        PermissionDeniedError: it is not for this node.
        BadRequestError: it has ended, cannot go where the node says it is, or its result is no upload of the node's.
    """
    await repository.lock_task_of_run(tx.session, run_id)
    run = await repository.find_run_of_node(tx.session, run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id}")
    if run.node_id != node.id:
        raise PermissionDeniedError("Only the node that executes a run may change it")
    if run.status.is_final:
        await _repeat(tx, run, asked)
        return
    await _move(tx, node, run, asked)


async def _repeat(tx: Transaction, run: RunOfNode, asked: RunChange) -> None:
    """Accept what changes nothing: a node repeats itself when the answer was lost, and learns late of a kill."""
    ends_as_killed = asked.status is run.status is RunStatus.KILLED
    repeats = asked.status is run.status and asked.finished_at == run.finished_at
    if not (ends_as_killed or repeats):
        raise BadRequestError(f"Run {run.id} has ended already, with status '{run.status}'")
    if ends_as_killed and asked.log is not None:
        # what the algorithm said until it was killed is known only now
        await repository.put_logs(tx.session, {run.id: asked.log})


async def _move(tx: Transaction, node: Principal, run: RunOfNode, asked: RunChange) -> None:
    status = asked.status or run.status
    if not may_follow(run.status, status):
        raise BadRequestError(f"A run that is '{run.status}' cannot become '{status}'")
    if asked.finished_at is not None and not status.is_final:
        raise BadRequestError("A run has finished only if its status says so too")
    await repository.change_run(tx.session, run.id, _values(asked), ends=status.is_final)
    if asked.result is not None:
        in_store = bool(await claim(tx, node, [asked.result]))
        await repository.put_result(tx.session, run.id, asked.result, in_store=in_store)
    if asked.log is not None:
        await repository.put_logs(tx.session, {run.id: asked.log})
    if status.is_failure:
        await _fail_siblings(tx, run, status)
    if status is not run.status:
        await repository.refresh_task_statuses(tx.session, [run.task_id])
    # A node says on its socket that a run goes on, and only here that it has ended and what came of it.
    tx.record(status_changed(run, status, announce=status.is_final))


def _values(asked: RunChange) -> dict[str, Any]:
    columns = {"status", "started_at", "finished_at"}
    return asked.model_dump(include=columns, exclude_unset=True)


async def _fail_siblings(tx: Transaction, run: RunOfNode, status: RunStatus) -> None:
    """End the runs of the task that have not begun: without this one they cannot come to a result."""
    failed = await repository.fail_runs_that_have_not_begun(tx.session, run.task_id)
    if not failed:
        return
    reason = f"Not started: run {run.id} of the same task ended with status '{status}'"
    await repository.put_logs(tx.session, dict.fromkeys(failed, reason))
    for sibling in await repository.find_runs_of_nodes(tx.session, failed):
        tx.record(status_changed(sibling, RunStatus.FAILED, announce=True))
