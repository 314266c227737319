"""Every query about runs, their results and logs.

Whoever changes a run's status holds its task's row (`lock_…`): the status of a task is computed from
those of its runs, and parallel changes of siblings have to see each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    false,
    func,
    insert,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import nodes, run_inputs, run_logs, run_port_numbers, run_ports, run_results, runs, tasks
from sextant_api.models.reach import collaborations_of
from sextant_api.ownership.policy import Owner, Reach
from sextant_api.ownership.repository import owner_columns, owner_of
from sextant_api.tasks.repository import TASK_COLUMNS
from sextant_shared.contract.statuses import RunStatus, task_status
from sextant_shared.db import utc_now
from sextant_shared.db.model import is_among
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

NODE_OF_RUN = and_(
    nodes.c.organization_id == runs.c.organization_id, nodes.c.collaboration_id == runs.c.collaboration_id
)
"""A run belongs to the node that its organization has in its collaboration."""

RUN_COLUMNS = (
    runs.c.id,
    runs.c.task_id,
    runs.c.organization_id,
    runs.c.status,
    runs.c.assigned_at,
    runs.c.started_at,
    runs.c.finished_at,
    runs.c.cleanup_at,
    runs.c.blob_storage_used,
    nodes.c.id.label("node_id"),
    nodes.c.name.label("node_name"),
    nodes.c.ip.label("node_ip"),
    nodes.c.status.label("node_status"),
    run_inputs.c.input,
    run_ports.c.ports,
)
"""What `wire.run_body` shows, in its order; from `_shown_runs`."""

RESULT_COLUMNS = (
    runs.c.id,
    runs.c.task_id,
    runs.c.cleanup_at,
    func.coalesce(run_results.c.blob_storage_used, false()).label("result_in_store"),
    run_results.c.result,
)
"""What `wire.result_body` shows, in its order; from `_shown_results`."""

SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": runs.c.id,
    "task_id": runs.c.task_id,
    "organization_id": runs.c.organization_id,
    "status": runs.c.status,
    "assigned_at": runs.c.assigned_at,
    "started_at": runs.c.started_at,
    "finished_at": runs.c.finished_at,
    "cleanup_at": runs.c.cleanup_at,
    # payloads and other objects: the wire takes their names, and does not sort
    **dict.fromkeys(("input", "log", "result", "organization", "task")),
}


@dataclass(frozen=True)
class RunFilter:
    """What a list of runs or results is narrowed by; None means "by anything"."""

    task_id: int | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    node_id: int | None = None
    port: int | None = None
    only_open: bool = False
    assigned_from: datetime | None = None
    assigned_till: datetime | None = None
    started_from: datetime | None = None
    started_till: datetime | None = None
    finished_from: datetime | None = None
    finished_till: datetime | None = None


def visible_to(principal: Principal, reach: Reach) -> ColumnElement[bool]:
    """The runs that a caller's reach lets it see in a list."""
    if reach.everything:
        return true()
    allowed: list[ColumnElement[bool]] = []
    if reach.collaborations:
        allowed.append(is_among(runs.c.collaboration_id, collaborations_of(principal.organization_id)))
    if reach.organization:
        allowed.append(runs.c.organization_id == principal.organization_id)
    if reach.own:
        made = select(tasks.c.id).where(tasks.c.init_user_id == principal.id)
        allowed.append(is_among(runs.c.task_id, made))
    return or_(false(), *allowed)


async def count(session: AsyncSession, *, principal: Principal, reach: Reach, narrowed: RunFilter) -> int:
    """Count the runs that the caller may see."""
    condition = and_(visible_to(principal, reach), *_conditions(narrowed))
    return (await session.execute(select(func.count()).select_from(runs).where(condition))).scalar_one()


async def find_page(
    session: AsyncSession,
    *,
    principal: Principal,
    reach: Reach,
    narrowed: RunFilter,
    page: Page,
    with_tasks: bool,
) -> Sequence[tuple[Sequence[Any], Sequence[Any]]]:
    """Find one page of the runs that the caller may see, each with its task (`TASK_COLUMNS`) if that is wanted."""
    shown = _with_tasks(_shown_runs(), *TASK_COLUMNS) if with_tasks else _shown_runs()
    of_page = _of_page(shown, page, and_(visible_to(principal, reach), *_conditions(narrowed)))
    return [_split(row) for row in await session.execute(of_page)]


def _split(row: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    return row[: len(RUN_COLUMNS)], row[len(RUN_COLUMNS) :]


async def find_result_page(
    session: AsyncSession, *, principal: Principal, reach: Reach, narrowed: RunFilter, page: Page
) -> Sequence[Sequence[Any]]:
    """Find one page of the results that the caller may see."""
    of_page = _of_page(_shown_results(), page, and_(visible_to(principal, reach), *_conditions(narrowed)))
    return list(await session.execute(of_page))


async def find_run(
    session: AsyncSession, run_id: int, organization_id: int
) -> tuple[Sequence[Any], Sequence[Any], Owner] | None:
    """Find a run and its task (`TASK_COLUMNS`), and whose the task is, seen from an organization."""
    found = await _with_owner(session, _shown_runs().add_columns(*TASK_COLUMNS), run_id, organization_id)
    return None if found is None else (*_split(found[0]), found[1])


async def get_run(session: AsyncSession, run_id: int) -> Sequence[Any]:
    """Get a run that is there."""
    run: Sequence[Any] = (await session.execute(_shown_runs().where(runs.c.id == run_id))).one()
    return run


async def find_result(session: AsyncSession, run_id: int, organization_id: int) -> tuple[Sequence[Any], Owner] | None:
    """Find a run's result, and whose its task is, seen from an organization."""
    return await _with_owner(session, _shown_results(), run_id, organization_id)


@dataclass(frozen=True)
class Contents:
    """What is shown inside of tasks.

    Attributes:
        runs: `RUN_COLUMNS` of each run, by task, the oldest first.
        logs: by run.
        results: `RESULT_COLUMNS` of each result, by task, the oldest first.
    """

    runs: Mapping[int, Sequence[Sequence[Any]]]
    logs: Mapping[int, str]
    results: Mapping[int, Sequence[Sequence[Any]]]


async def find_contents(
    session: AsyncSession, task_ids: Collection[int], *, with_runs: bool, with_results: bool
) -> Contents:
    """Find the runs and results of some tasks."""
    statement = _shown_runs() if with_runs else _shown_results()
    if with_runs and with_results:
        statement = statement.outerjoin(run_results, run_results.c.run_id == runs.c.id).add_columns(*RESULT_COLUMNS)
    shown_runs: dict[int, list[Sequence[Any]]] = {}
    shown_results: dict[int, list[Sequence[Any]]] = {}
    if task_ids and (with_runs or with_results):
        of_tasks = statement.where(runs.c.task_id.in_(task_ids)).order_by(runs.c.id)
        for row in await session.execute(of_tasks):
            run, result = _split(row) if with_runs else ((), row)
            shown_runs.setdefault(row.task_id, []).append(run)
            shown_results.setdefault(row.task_id, []).append(result)
    run_ids = [run[0] for of_task in shown_runs.values() for run in of_task] if with_runs else []
    return Contents(runs=shown_runs, logs=await find_logs(session, run_ids), results=shown_results)


async def find_logs(session: AsyncSession, run_ids: Collection[int]) -> dict[int, str]:
    """Put together the logs of some runs; one without a log is absent.

    Each piece begins a line: a newline goes before it unless the piece before it ends with one.
    """
    if not run_ids:
        return {}
    pieces: dict[int, list[str]] = {}
    rows = await session.execute(
        select(run_logs.c.run_id, run_logs.c.piece)
        .where(run_logs.c.run_id.in_(run_ids))
        .order_by(run_logs.c.run_id, run_logs.c.said_at, run_logs.c.id)
    )
    for run_id, piece in rows:
        pieces.setdefault(run_id, []).append(piece)
    return {
        run_id: "\n".join([*(piece.removesuffix("\n") for piece in parts[:-1]), parts[-1]])
        for run_id, parts in pieces.items()
    }


@dataclass(frozen=True)
class RunOfNode:
    """A run with what never changes about it.

    Attributes:
        id: of the run.
        task_id: of its task.
        job_id: of its task's job.
        parent_id: of its task's parent.
        collaboration_id: of its task.
        organization_id: that runs it.
        node_id: that runs it, if there is one.
        status: at the time of asking.
        started_at: at the time of asking.
        finished_at: at the time of asking.
    """

    id: int
    task_id: int
    job_id: int
    parent_id: int | None
    collaboration_id: int
    organization_id: int
    node_id: int | None
    status: RunStatus
    started_at: datetime | None
    finished_at: datetime | None


def _runs_of_nodes() -> Select[Any]:
    return (
        select(
            runs.c.id,
            runs.c.task_id,
            tasks.c.job_id,
            tasks.c.parent_id,
            runs.c.collaboration_id,
            runs.c.organization_id,
            nodes.c.id.label("node_id"),
            runs.c.status,
            runs.c.started_at,
            runs.c.finished_at,
        )
        .select_from(runs)
        .join(tasks, tasks.c.id == runs.c.task_id)
        .outerjoin(nodes, NODE_OF_RUN)
    )


async def find_run_of_node(session: AsyncSession, run_id: int) -> RunOfNode | None:
    """Find a run and the node it is for."""
    row = (await session.execute(_runs_of_nodes().where(runs.c.id == run_id))).first()
    return None if row is None else _run_of_node(row)


async def find_runs_of_nodes(session: AsyncSession, run_ids: Collection[int]) -> Sequence[RunOfNode]:
    """Find runs and the nodes they are for, by their ids."""
    if not run_ids:
        return []
    rows = await session.execute(_runs_of_nodes().where(runs.c.id.in_(run_ids)).order_by(runs.c.id))
    return [_run_of_node(row) for row in rows]


def _run_of_node(row: Row[Any]) -> RunOfNode:
    return RunOfNode(**{**row._mapping, "status": RunStatus(row.status)})  # noqa: SLF001 - public in SQLAlchemy


async def lock_task_of_run(session: AsyncSession, run_id: int) -> None:
    """Hold a run's task against all others who would change the status of its runs, until the transaction ends."""
    task_id = select(runs.c.task_id).where(runs.c.id == run_id).scalar_subquery()
    await session.execute(select(tasks.c.id).where(tasks.c.id == task_id).with_for_update())


async def lock_subtree(session: AsyncSession, task_id: int) -> Sequence[int]:
    """Hold a task and all that descend from it; returns their ids, the task's first.

    While a task is held nobody can hang a subtask from it, so once a look finds nothing new, the subtree is complete.
    """
    held: list[int] = []
    while True:
        subtree = select(tasks.c.id).where(tasks.c.id == task_id).cte("subtree", recursive=True)
        subtree = subtree.union_all(select(tasks.c.id).join(subtree, tasks.c.parent_id == subtree.c.id))
        found = (await session.execute(select(subtree.c.id).order_by(subtree.c.id))).scalars().all()
        new = [found_id for found_id in found if found_id not in held]
        if not new:
            return held
        await lock_tasks(session, new)
        held += new


async def lock_tasks(session: AsyncSession, task_ids: Collection[int]) -> None:
    """Hold several tasks; always in the same order, so that two who do it cannot wait for each other."""
    await session.execute(select(tasks.c.id).where(tasks.c.id.in_(task_ids)).order_by(tasks.c.id).with_for_update())


async def change_run(session: AsyncSession, run_id: int, values: Mapping[str, Any], *, ends: bool) -> None:
    """Write into a run; one that ends without saying when ends now, by the database's clock."""
    ending = {"finished_at": func.coalesce(values.get("finished_at"), utc_now())} if ends else {}
    if values or ending:
        await session.execute(update(runs).where(runs.c.id == run_id).values({**values, **ending}))


async def fail_runs_that_have_not_begun(session: AsyncSession, task_id: int) -> Sequence[int]:
    """End as failed all runs of a task that no node has begun; returns their ids."""
    rows = await session.execute(
        update(runs)
        .where(
            runs.c.task_id == task_id,
            runs.c.status == RunStatus.PENDING.value,
            runs.c.started_at.is_(None),
            _IS_OPEN,
        )
        .values(status=RunStatus.FAILED.value, finished_at=utc_now())
        .returning(runs.c.id)
    )
    return sorted(rows.scalars())


async def kill_runs(
    session: AsyncSession, task_ids: Collection[int], organization_id: int | None = None
) -> Sequence[int]:
    """End as killed all runs of some tasks, perhaps of one organization only, that have not; returns their ids."""
    condition = and_(runs.c.task_id.in_(task_ids), _IS_OPEN)
    if organization_id is not None:
        condition = and_(condition, runs.c.organization_id == organization_id)
    rows = await session.execute(
        update(runs).where(condition).values(status=RunStatus.KILLED.value, finished_at=utc_now()).returning(runs.c.id)
    )
    return sorted(rows.scalars())


async def refresh_task_statuses(session: AsyncSession, task_ids: Collection[int]) -> None:
    """Compute the statuses of tasks, which the caller holds, anew from those of their runs."""
    if not task_ids:
        return
    statuses: dict[int, set[RunStatus]] = {task_id: set() for task_id in task_ids}
    rows = await session.execute(select(runs.c.task_id, runs.c.status).where(runs.c.task_id.in_(task_ids)).distinct())
    for task_id, status in rows:
        statuses[task_id].add(RunStatus(status))
    of_status: dict[RunStatus, list[int]] = {}
    for task_id, of_runs in statuses.items():
        of_status.setdefault(task_status(of_runs), []).append(task_id)
    latest = select(func.max(runs.c.finished_at)).where(runs.c.task_id == tasks.c.id).scalar_subquery()
    for status, ids in of_status.items():
        # the wire shows when a task finished only if it completed
        finished_at = latest if status is RunStatus.COMPLETED else null()
        await session.execute(
            update(tasks).where(tasks.c.id.in_(ids)).values(status=status.value, finished_at=finished_at)
        )


async def put_result(session: AsyncSession, run_id: int, result: str, *, in_store: bool) -> None:
    """Write a run's result, or (`in_store`) the id of the blob that is it, in the place of one that it may have."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(run_results).values(run_id=run_id, result=result, blob_storage_used=in_store)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[run_results.c.run_id],
            set_={"result": new.result, "blob_storage_used": new.blob_storage_used, "reference": new.reference},
        )
    )


async def put_logs(session: AsyncSession, logs: Mapping[int, str]) -> None:
    """Write whole logs of runs in the place of what was streamed."""
    await session.execute(delete(run_logs).where(run_logs.c.run_id.in_(logs)))
    await session.execute(
        insert(run_logs).values(said_at=utc_now()), [{"run_id": run_id, "piece": log} for run_id, log in logs.items()]
    )


async def is_open(session: AsyncSession, run_id: int) -> bool:
    """Tell whether a run has not ended, and keep it from ending meanwhile."""
    statement = select(runs.c.id).where(runs.c.id == run_id, _IS_OPEN).with_for_update(read=True)
    return (await session.execute(statement)).first() is not None


async def append_log(session: AsyncSession, run_id: int, piece: str, said_at: datetime) -> None:
    """Add a piece to a run's log."""
    await session.execute(insert(run_logs).values(run_id=run_id, piece=piece, said_at=said_at))


_OWNER = 4
"""How many columns say whose a task is."""

_IS_OPEN = runs.c.finished_at.is_(None)


def _shown_runs() -> Select[Any]:
    return (
        select(*RUN_COLUMNS)
        .select_from(runs)
        .outerjoin(nodes, NODE_OF_RUN)
        .outerjoin(run_inputs, run_inputs.c.run_id == runs.c.id)
        .outerjoin(run_ports, run_ports.c.run_id == runs.c.id)
    )


def _shown_results() -> Select[Any]:
    return select(*RESULT_COLUMNS).select_from(runs).outerjoin(run_results, run_results.c.run_id == runs.c.id)


def _with_tasks(statement: Select[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    return statement.join(tasks, tasks.c.id == runs.c.task_id).add_columns(*columns)


def _of_page(shown: Select[Any], page: Page, condition: ColumnElement[bool]) -> Select[Any]:
    """Show the runs of one page: found first, so that payloads are read of these alone, whatever they are sorted by."""
    order = page.order_by(SORTABLE, [runs.c.id.desc()])
    found = select(runs.c.id).where(condition).order_by(*order).limit(page.per_page).offset(page.offset).subquery()
    return shown.join(found, found.c.id == runs.c.id).order_by(*order)


async def _with_owner(
    session: AsyncSession, statement: Select[Any], run_id: int, organization_id: int
) -> tuple[Sequence[Any], Owner] | None:
    owned = _with_tasks(statement, *owner_columns(organization_id))
    row = (await session.execute(owned.where(runs.c.id == run_id))).first()
    if row is None:
        return None
    return row[:-_OWNER], owner_of(row[-_OWNER:])


def _conditions(narrowed: RunFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (runs.c.task_id, narrowed.task_id),
        (runs.c.organization_id, narrowed.organization_id),
        (runs.c.collaboration_id, narrowed.collaboration_id),
    ):
        if value is not None:
            conditions.append(column == value)
    if narrowed.port is not None:
        listening = select(run_port_numbers.c.run_id).where(run_port_numbers.c.port == narrowed.port)
        conditions.append(runs.c.id.in_(listening))
    if narrowed.only_open:
        conditions.append(_IS_OPEN)
    for column, since, till in (
        (runs.c.assigned_at, narrowed.assigned_from, narrowed.assigned_till),
        (runs.c.started_at, narrowed.started_from, narrowed.started_till),
        (runs.c.finished_at, narrowed.finished_from, narrowed.finished_till),
    ):
        if since is not None:
            conditions.append(column >= since)
        if till is not None:
            conditions.append(column <= till)
    if narrowed.node_id is not None:
        node = (
            select(nodes.c.organization_id, nodes.c.collaboration_id).where(nodes.c.id == narrowed.node_id).subquery()
        )
        conditions += [
            runs.c.organization_id == select(node.c.organization_id).scalar_subquery(),
            runs.c.collaboration_id == select(node.c.collaboration_id).scalar_subquery(),
        ]
    return conditions
