"""Every query about blobs, and about the payloads that refer to them.

Whoever makes a payload refer to a blob, and whoever dooms one, holds the blob's row: so a blob is either used or gone,
however close to each other the two come.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, insert, not_, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import blobs, run_inputs, run_results, runs, tasks
from sextant_api.models.blobs import MAX_BLOB_ID
from sextant_api.ownership.policy import Owner
from sextant_api.ownership.repository import owner_columns, owner_of
from sextant_shared.db.model import utc_after, utc_now

_table = blobs.c

_IS_REFERRED_TO = or_(
    exists().where(run_inputs.c.reference == _table.blob_id),
    exists().where(run_results.c.reference == _table.blob_id),
)


async def begin(session: AsyncSession, blob_id: str, owner: str) -> None:
    """Note that an upload begins."""
    await session.execute(insert(blobs).values(blob_id=blob_id, owner=owner))


async def finish(session: AsyncSession, blob_id: str, size: int) -> bool:
    """Note that all of an upload has arrived; tells whether it is still wanted."""
    finished = await session.execute(
        update(blobs)
        .where(_table.blob_id == blob_id, _table.doomed_at.is_(None))
        .values(size=size)
        .returning(_table.blob_id)
    )
    return finished.first() is not None


async def claim(session: AsyncSession, blob_ids: Collection[str], owner: str) -> set[str]:
    """Let payloads refer to blobs; returns those that are there for this owner to use."""
    claimed = await session.execute(
        update(blobs)
        .where(
            _table.blob_id.in_(blob_ids),
            _table.owner == owner,
            _table.size.is_not(None),
            _table.doomed_at.is_(None),
        )
        .values(used_at=utc_now())
        .returning(_table.blob_id)
    )
    return set(claimed.scalars())


async def doom(session: AsyncSession, *, unused_seconds: float, limit: int) -> Sequence[str]:
    """Decide which blobs go: those that nothing refers to any more, or still not after so long; returns some."""
    may_go = or_(_table.used_at.is_not(None), _table.created_at < utc_after(-unused_seconds))
    candidates = (
        select(_table.blob_id)
        .where(_table.doomed_at.is_(None), may_go, not_(_IS_REFERRED_TO))
        .order_by(_table.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    held = (await session.execute(candidates)).scalars().all()
    # asked once more, now that nobody can make anything refer to them: that may have happened since
    await session.execute(
        update(blobs).where(_table.blob_id.in_(held), not_(_IS_REFERRED_TO)).values(doomed_at=utc_now())
    )
    doomed = select(_table.blob_id).where(_table.doomed_at.is_not(None)).order_by(_table.doomed_at).limit(limit)
    return (await session.execute(doomed)).scalars().all()


async def forget(session: AsyncSession, blob_id: str) -> None:
    """Delete the note of a blob that is gone."""
    await session.execute(delete(blobs).where(_table.blob_id == blob_id))


async def find_payloads(session: AsyncSession, reference: str, organization_id: int) -> Sequence[tuple[Owner, bool]]:
    """Find whose the inputs and results are that consist of `reference`, seen from an organization.

    Returns:
        Of each task that has one: whose it is, and whether the payload is the id of a blob.
    """
    if len(reference) > MAX_BLOB_ID or "\0" in reference:
        return []
    inputs = _of_task(organization_id, runs.c.blob_storage_used).join(
        run_inputs, and_(run_inputs.c.run_id == runs.c.id, run_inputs.c.reference == reference)
    )
    results = _of_task(organization_id, run_results.c.blob_storage_used).join(
        run_results, and_(run_results.c.run_id == runs.c.id, run_results.c.reference == reference)
    )
    rows: Sequence[Row[Any]] = (await session.execute(union(inputs, results))).all()
    return [(owner_of(row[:-1]), bool(row[-1])) for row in rows]


def _of_task(organization_id: int, in_store: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*owner_columns(organization_id), in_store.label("in_store"))
        .select_from(tasks)
        .join(runs, runs.c.task_id == tasks.c.id)
    )
