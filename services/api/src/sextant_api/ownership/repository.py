"""Finds whose the things are that a request names, all of them in one statement.

Lists of tasks and runs may be narrowed by many things, and each has to exist and to be within the caller's reach. Also
holds the fragments by which other repositories say whose their rows are.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import algorithm_stores, collaborations, memberships, nodes, runs, studies, tasks
from sextant_api.models.reach import collaborations_of
from sextant_api.ownership.policy import Owner
from sextant_shared.db.model import big_id


def is_member(organization_id: int, collaboration_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an organization is member of a collaboration."""
    return exists().where(
        memberships.c.collaboration_id == collaboration_id, memberships.c.organization_id == organization_id
    )


def owner_columns(organization_id: int) -> tuple[ColumnElement[Any], ...]:
    """Whose a task is, in the order of `Owner`; for the principal's organization."""
    return (
        tasks.c.collaboration_id,
        tasks.c.init_org_id,
        tasks.c.init_user_id,
        is_member(organization_id, tasks.c.collaboration_id),
    )


def owner_of(row: Sequence[Any]) -> Owner:
    """Read `owner_columns`."""
    collaboration_id, organization_id, user_id, near = row
    return Owner(collaboration_id, organization_id, user_id, bool(near))


class Lookups:
    """Things to look up, by the name under which the request speaks of them.

    Args:
        organization_id: the caller's.
    """

    def __init__(self, organization_id: int) -> None:
        self._organization_id = organization_id
        self._selects: list[Select[Any]] = []

    def task(self, name: str, task_id: int) -> None:
        """Look up a task."""
        self._tasks(name, tasks.c.id == task_id)

    def job(self, name: str, job_id: int) -> None:
        """Look up the task that a job began with."""
        first = select(tasks.c.id).where(tasks.c.job_id == job_id).order_by(tasks.c.id).limit(1).scalar_subquery()
        self._tasks(name, tasks.c.id == first)

    def run(self, name: str, run_id: int) -> None:
        """Look up a run's task."""
        self._tasks(name, tasks.c.id == select(runs.c.task_id).where(runs.c.id == run_id).scalar_subquery())

    def collaboration(self, name: str, collaboration_id: int) -> None:
        """Look up a collaboration."""
        self._in_collaboration(name, collaborations.c.id, collaborations.c.id == collaboration_id)

    def study(self, name: str, study_id: int) -> None:
        """Look up a study's collaboration."""
        self._in_collaboration(name, studies.c.collaboration_id, studies.c.id == study_id)

    def node(self, name: str, node_id: int) -> None:
        """Look up a node's collaboration."""
        self._in_collaboration(name, nodes.c.collaboration_id, nodes.c.id == node_id)

    def store(self, name: str, store_id: int) -> None:
        """Look up an algorithm store."""
        self._in_collaboration(name, algorithm_stores.c.collaboration_id, algorithm_stores.c.id == store_id)

    def organization(self, name: str, organization_id: int) -> None:
        """Look up whether an organization, which need not exist, works with the caller's."""
        theirs = memberships.alias()
        shares = exists().where(
            theirs.c.organization_id == organization_id,
            theirs.c.collaboration_id.in_(collaborations_of(self._organization_id)),
        )
        self._add(name, _NO_ID, cast(literal(organization_id), big_id), _NO_ID, shares)

    async def find(self, session: AsyncSession) -> dict[str, Owner]:
        """Look everything up; what does not exist is absent."""
        if not self._selects:
            return {}
        rows = await session.execute(union_all(*self._selects))
        return {row[0]: owner_of(row[1:]) for row in rows}

    def _tasks(self, name: str, condition: ColumnElement[bool]) -> None:
        self._add(name, *owner_columns(self._organization_id), where=condition)

    def _in_collaboration(
        self, name: str, collaboration_id: ColumnElement[int], condition: ColumnElement[bool]
    ) -> None:
        near = is_member(self._organization_id, collaboration_id)
        self._add(name, collaboration_id, _NO_ID, _NO_ID, near, where=condition)

    def _add(self, name: str, *owner: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> None:
        statement = select(literal(name), *owner)
        self._selects.append(statement if where is None else statement.where(where))


_NO_ID = cast(null(), big_id)
