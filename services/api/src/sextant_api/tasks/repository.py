"""Every query about tasks.

Selects columns, never objects. What a caller may see is part of the query of a list (`visible_to`); for one task that
is named, the row says whose it is, because the wire tells "not there" from "not for you".
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, delete, exists, false, func, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import (
    algorithm_stores,
    collaborations,
    memberships,
    nodes,
    run_inputs,
    runs,
    studies,
    study_members,
    task_databases,
    tasks,
)
from sextant_api.models.reach import collaborations_of
from sextant_api.models.work import LABEL_LENGTH
from sextant_api.ownership.policy import Owner, Reach
from sextant_api.ownership.repository import is_member, owner_columns, owner_of
from sextant_api.pages import fetch_page
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db.conflicts import breaks_reference
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

TASK_COLUMNS = (
    tasks.c.id,
    tasks.c.job_id,
    tasks.c.name,
    tasks.c.description,
    tasks.c.image,
    tasks.c.collaboration_id,
    tasks.c.study_id,
    tasks.c.store_id,
    tasks.c.init_org_id,
    tasks.c.init_user_id,
    tasks.c.parent_id,
    tasks.c.databases,
    tasks.c.created_at,
    tasks.c.status,
    tasks.c.finished_at,
)
"""What `wire.task_body` shows, in its order."""

SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": tasks.c.id,
    "job_id": tasks.c.job_id,
    "name": tasks.c.name,
    "description": tasks.c.description,
    "image": tasks.c.image,
    "status": tasks.c.status,
    "created_at": tasks.c.created_at,
    "finished_at": tasks.c.finished_at,
    "collaboration_id": tasks.c.collaboration_id,
    "study_id": tasks.c.study_id,
    "store_id": tasks.c.store_id,
    "init_org_id": tasks.c.init_org_id,
    "init_user_id": tasks.c.init_user_id,
    "parent_id": tasks.c.parent_id,
    # other objects: the wire takes their names, and does not sort
    **dict.fromkeys(("collaboration", "study", "algorithm_store", "init_org", "init_user", "parent", "children")),
    **dict.fromkeys(("runs", "results", "databases")),
}


@dataclass(frozen=True)
class TaskFilter:
    """What a list of tasks is narrowed by; None means "by anything"."""

    name: str | None = None
    description: str | None = None
    image: str | None = None
    status: str | None = None
    database: str | None = None
    collaboration_id: int | None = None
    study_id: int | None = None
    store_id: int | None = None
    init_org_id: int | None = None
    init_user_id: int | None = None
    parent_id: int | None = None
    job_id: int | None = None
    run_id: int | None = None
    is_user_created: bool | None = None


def visible_to(principal: Principal, reach: Reach) -> ColumnElement[bool]:
    """The tasks that a caller's reach lets it see."""
    if reach.everything:
        return true()
    allowed: list[ColumnElement[bool]] = []
    if reach.collaborations:
        allowed.append(is_among(tasks.c.collaboration_id, collaborations_of(principal.organization_id)))
    if reach.organization:
        allowed.append(tasks.c.init_org_id == principal.organization_id)
    if reach.own:
        allowed.append(tasks.c.init_user_id == principal.id)
    return or_(false(), *allowed)


async def find_page(
    session: AsyncSession, *, principal: Principal, reach: Reach, narrowed: TaskFilter, page: Page
) -> tuple[Sequence[Sequence[Any]], int]:
    """Find one page of the tasks that the caller may see, and how many there are on all pages."""
    matching = select(*TASK_COLUMNS).where(visible_to(principal, reach), *_conditions(narrowed))
    return await fetch_page(session, matching, page, sortable=SORTABLE, order=tasks.c.id.desc())


def _conditions(narrowed: TaskFilter) -> list[ColumnElement[bool]]:
    equal = {
        tasks.c.status: narrowed.status,
        tasks.c.collaboration_id: narrowed.collaboration_id,
        tasks.c.study_id: narrowed.study_id,
        tasks.c.store_id: narrowed.store_id,
        tasks.c.init_org_id: narrowed.init_org_id,
        tasks.c.init_user_id: narrowed.init_user_id,
        tasks.c.parent_id: narrowed.parent_id,
        tasks.c.job_id: narrowed.job_id,
    }
    patterns = {
        tasks.c.name: narrowed.name,
        tasks.c.description: narrowed.description,
        tasks.c.image: narrowed.image,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    conditions += [like(column, pattern) for column, pattern in patterns.items() if pattern is not None]
    if narrowed.database is not None:
        labelled = select(task_databases.c.task_id).where(task_databases.c.label == narrowed.database)
        conditions.append(tasks.c.id.in_(labelled))
    if narrowed.run_id is not None:
        conditions.append(tasks.c.id == select(runs.c.task_id).where(runs.c.id == narrowed.run_id).scalar_subquery())
    if narrowed.is_user_created is not None:
        conditions.append(tasks.c.parent_id.is_(None) if narrowed.is_user_created else tasks.c.parent_id.is_not(None))
    return conditions


async def find_task(session: AsyncSession, task_id: int, organization_id: int) -> tuple[Sequence[Any], Owner] | None:
    """Find a task and whose it is, seen from an organization."""
    row = (
        await session.execute(select(*TASK_COLUMNS, *owner_columns(organization_id)).where(tasks.c.id == task_id))
    ).first()
    if row is None:
        return None
    return row[: len(TASK_COLUMNS)], owner_of(row[len(TASK_COLUMNS) :])


async def find_columns(session: AsyncSession, task_id: int) -> Sequence[Any] | None:
    """Find a task's `TASK_COLUMNS`, if it is still there."""
    return (await session.execute(select(*TASK_COLUMNS).where(tasks.c.id == task_id))).first()


async def find_status(session: AsyncSession, task_id: int, organization_id: int) -> tuple[RunStatus, Owner] | None:
    """Find a task's status and whose it is, seen from an organization."""
    row = (
        await session.execute(select(tasks.c.status, *owner_columns(organization_id)).where(tasks.c.id == task_id))
    ).first()
    if row is None:
        return None
    return RunStatus(row[0]), owner_of(row[1:])


async def find_statuses(session: AsyncSession, task_ids: Collection[int]) -> dict[int, RunStatus]:
    """Find the statuses of tasks; one that is gone is absent."""
    rows = await session.execute(select(tasks.c.id, tasks.c.status).where(tasks.c.id.in_(task_ids)))
    return {task_id: RunStatus(status) for task_id, status in rows}


@dataclass(frozen=True)
class Share:
    """A node's part in a task.

    Attributes:
        collaboration_id: of the task.
        study_id: of the task.
        store_id: of the task.
        image: of the task.
        databases: of the task, as stored.
        organization_id: of the node, None if it has no run of the task.
        is_open: whether the node's run has not ended.
    """

    collaboration_id: int
    study_id: int | None
    store_id: int | None
    image: str
    databases: list[dict[str, str]]
    organization_id: int | None
    is_open: bool


async def find_share(session: AsyncSession, task_id: int, node_id: int) -> Share | None:
    """Find a node's part in a task; None if there is no such task."""
    row = (
        await session.execute(
            select(
                tasks.c.collaboration_id,
                tasks.c.study_id,
                tasks.c.store_id,
                tasks.c.image,
                tasks.c.databases,
                runs.c.organization_id,
                and_(runs.c.id.is_not(None), runs.c.finished_at.is_(None)),
            )
            .select_from(tasks)
            .outerjoin(nodes, and_(nodes.c.id == node_id, nodes.c.collaboration_id == tasks.c.collaboration_id))
            .outerjoin(runs, and_(runs.c.task_id == tasks.c.id, runs.c.organization_id == nodes.c.organization_id))
            .where(tasks.c.id == task_id)
            # of an organization that was named twice, the run that goes on counts
            .order_by(runs.c.finished_at.is_(None).desc())
            .limit(1)
        )
    ).first()
    return None if row is None else Share(*row)


@dataclass(frozen=True)
class Place:
    """Where a task is to run.

    Attributes:
        collaboration_id: of the collaboration.
        encrypted: whether inputs must be.
        study_id: of the study, if it is held to one.
        is_member: whether the one who makes the task is member of the collaboration.
    """

    collaboration_id: int
    encrypted: bool
    study_id: int | None
    is_member: bool


async def find_collaboration(session: AsyncSession, collaboration_id: int, organization_id: int) -> Place | None:
    """Find a collaboration as a place for a task that an organization makes."""
    row = (
        await session.execute(
            select(
                collaborations.c.id, collaborations.c.encrypted, is_member(organization_id, collaborations.c.id)
            ).where(collaborations.c.id == collaboration_id)
        )
    ).first()
    return None if row is None else Place(row[0], row[1], None, bool(row[2]))


async def find_study(session: AsyncSession, study_id: int, organization_id: int) -> Place | None:
    """Find a study as a place for a task that an organization makes."""
    row = (
        await session.execute(
            select(collaborations.c.id, collaborations.c.encrypted, is_member(organization_id, collaborations.c.id))
            .join(studies, studies.c.collaboration_id == collaborations.c.id)
            .where(studies.c.id == study_id)
        )
    ).first()
    return None if row is None else Place(row[0], row[1], study_id, bool(row[2]))


@dataclass(frozen=True)
class Participant:
    """An organization of a collaboration.

    Attributes:
        has_node: whether it has a node in the collaboration.
        in_study: whether it is in the study that was asked about.
    """

    has_node: bool
    in_study: bool


async def find_participants(
    session: AsyncSession, place: Place, organization_ids: Collection[int]
) -> dict[int, Participant]:
    """Find what a task needs to know of the organizations that are to run it; one that is no member is absent."""
    rows = await session.execute(
        select(memberships.c.organization_id, nodes.c.id.is_not(None), study_members.c.study_id.is_not(None))
        .select_from(memberships)
        .outerjoin(
            nodes,
            and_(
                nodes.c.organization_id == memberships.c.organization_id,
                nodes.c.collaboration_id == memberships.c.collaboration_id,
            ),
        )
        .outerjoin(
            study_members,
            and_(
                study_members.c.study_id == place.study_id,
                study_members.c.organization_id == memberships.c.organization_id,
            ),
        )
        .where(
            memberships.c.collaboration_id == place.collaboration_id,
            memberships.c.organization_id.in_(organization_ids),
        )
    )
    return {row[0]: Participant(has_node=bool(row[1]), in_study=bool(row[2])) for row in rows}


async def find_store(session: AsyncSession, store_id: int, collaboration_id: int) -> tuple[str, bool] | None:
    """Find an algorithm store that may be used in a collaboration: its URL, and whether it is there by force."""
    row = (
        await session.execute(
            select(algorithm_stores.c.url, algorithm_stores.c.is_forced).where(
                algorithm_stores.c.id == store_id,
                or_(
                    algorithm_stores.c.collaboration_id.is_(None),
                    algorithm_stores.c.collaboration_id == collaboration_id,
                ),
            )
        )
    ).first()
    return None if row is None else (row.url, row.is_forced)


@dataclass(frozen=True)
class Parent:
    """The task that a subtask is to hang from, and what it hands on.

    Attributes:
        id: of the task.
        job_id: of the job that both belong to.
        image: the only one that subtasks may use.
        collaboration_id: the only one that subtasks may run in.
        study_id: which subtasks are held to, if any.
        store_id: of the store the image is from.
        init_user_id: of the user for whom it is all done.
    """

    id: int
    job_id: int
    image: str
    collaboration_id: int
    study_id: int | None
    store_id: int | None
    init_user_id: int


async def lock_parent(session: AsyncSession, task_id: int) -> Parent | None:
    """Find the task that a subtask is to hang from, and keep it from being ended or deleted meanwhile."""
    row = (
        await session.execute(
            select(
                tasks.c.id,
                tasks.c.job_id,
                tasks.c.image,
                tasks.c.collaboration_id,
                tasks.c.study_id,
                tasks.c.store_id,
                tasks.c.init_user_id,
            )
            .where(tasks.c.id == task_id)
            .with_for_update(read=True)
        )
    ).first()
    return None if row is None else Parent(*row)


@contextmanager
def _unless_vanished() -> Iterator[None]:
    """What was there when it was looked up may be gone when it is referred to."""
    try:
        yield
    except IntegrityError as error:
        if breaks_reference(error):
            raise NotFoundError("Something that the task refers to was deleted just now") from error
        raise


async def add_task(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[Any]:
    """Write a task; one without `job_id` begins a job of its own.

    Raises:
        NotFoundError: something that it refers to was deleted meanwhile.
    """
    with _unless_vanished():
        if "job_id" in values:
            return (await session.execute(insert(tasks).values(**values).returning(*TASK_COLUMNS))).one()
        task_id = (await session.execute(insert(tasks).values(**values, job_id=0).returning(tasks.c.id))).scalar_one()
    return (
        await session.execute(
            update(tasks).where(tasks.c.id == task_id).values(job_id=tasks.c.id).returning(*TASK_COLUMNS)
        )
    ).one()


async def add_databases(session: AsyncSession, task_id: int, labels: Collection[str]) -> None:
    """Make a task be found by the databases that it uses, unless their labels are too long to search for."""
    values = [{"task_id": task_id, "label": label} for label in labels if len(label) <= LABEL_LENGTH]
    if values:
        await session.execute(insert(task_databases), values)


async def add_runs(
    session: AsyncSession,
    *,
    task_id: int,
    collaboration_id: int,
    inputs: Sequence[tuple[int, str]],
    in_store: Collection[str],
) -> None:
    """Write the runs of a task with their inputs.

    Args:
        session: of the transaction.
        task_id: of the task.
        collaboration_id: of the task.
        inputs: organization and input of each run.
        in_store: those inputs that are ids of blobs.

    Raises:
        NotFoundError: an organization was deleted meanwhile.
    """
    values = [
        {
            "task_id": task_id,
            "collaboration_id": collaboration_id,
            "organization_id": organization_id,
            "blob_storage_used": text in in_store,
        }
        for organization_id, text in inputs
    ]
    made: dict[tuple[int, bool], list[int]] = {}
    with _unless_vanished():
        # rows come back in no promised order, but which of an organization's runs gets which input is all the same
        for run_id, organization_id, from_store in await session.execute(
            insert(runs).returning(runs.c.id, runs.c.organization_id, runs.c.blob_storage_used), values
        ):
            made.setdefault((organization_id, from_store), []).append(run_id)
    await session.execute(
        insert(run_inputs),
        [{"run_id": made[organization_id, text in in_store].pop(), "input": text} for organization_id, text in inputs],
    )


async def find_going_on(session: AsyncSession, narrowed: TaskFilter, *, limit: int) -> Sequence[int]:
    """Find tasks, among some and all that descends from them, that have a run that has not ended."""
    subtrees = select(tasks.c.id).where(*_conditions(narrowed)).cte("subtrees", recursive=True)
    subtrees = subtrees.union(select(tasks.c.id).join(subtrees, tasks.c.parent_id == subtrees.c.id))
    is_going_on = exists().where(runs.c.task_id == subtrees.c.id, runs.c.finished_at.is_(None))
    found = await session.execute(select(subtrees.c.id).where(is_going_on).order_by(subtrees.c.id).limit(limit))
    return found.scalars().all()


async def find_going_on_at(session: AsyncSession, organization_id: int, *, limit: int) -> Sequence[int]:
    """Find tasks of which an organization has a run that has not ended."""
    found = await session.execute(
        select(runs.c.task_id)
        .where(runs.c.organization_id == organization_id, runs.c.finished_at.is_(None))
        .distinct()
        .order_by(runs.c.task_id)
        .limit(limit)
    )
    return found.scalars().all()


async def find_done_with(session: AsyncSession, organization_id: int) -> Sequence[int]:
    """Find the tasks of others of which an organization has a run."""
    found = await session.execute(
        select(runs.c.task_id)
        .join(tasks, tasks.c.id == runs.c.task_id)
        .where(runs.c.organization_id == organization_id, tasks.c.init_org_id != organization_id)
        .distinct()
        .order_by(runs.c.task_id)
    )
    return found.scalars().all()


async def count(session: AsyncSession, narrowed: TaskFilter) -> int:
    """Count tasks."""
    return (await session.execute(select(func.count()).select_from(tasks).where(*_conditions(narrowed)))).scalar_one()


async def delete_task(session: AsyncSession, task_id: int) -> None:
    """Delete a task with its whole subtree, runs and payloads."""
    await session.execute(delete(tasks).where(tasks.c.id == task_id))


async def delete_tasks(session: AsyncSession, narrowed: TaskFilter) -> None:
    """Delete tasks with their whole subtrees, runs and payloads."""
    await session.execute(delete(tasks).where(*_conditions(narrowed)))
