"""All queries about tasks of whose making the client may not have heard."""

from collections.abc import Collection

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import unheard_tasks
from sextant_shared.db.model import utc_after


async def add(session: AsyncSession, task_id: int, fingerprint: str) -> None:
    """Note a task that is being made."""
    await session.execute(insert(unheard_tasks).values(task_id=task_id, fingerprint=fingerprint))


async def find(session: AsyncSession, fingerprint: str, *, oldest: float, youngest: float) -> list[int]:
    """Name the tasks that the same request has made, the oldest first.

    Args:
        session: to read by.
        fingerprint: the request's.
        oldest: how many seconds ago at most.
        youngest: how many seconds ago at least.
    """
    rows = await session.execute(
        select(unheard_tasks.c.task_id)
        .where(unheard_tasks.c.fingerprint == fingerprint)
        .where(unheard_tasks.c.made_at.between(utc_after(-oldest), utc_after(-youngest)))
        .order_by(unheard_tasks.c.task_id)
    )
    return list(rows.scalars())


async def forget(session: AsyncSession, task_ids: Collection[int]) -> None:
    """Drop tasks whose making is known."""
    await session.execute(delete(unheard_tasks).where(unheard_tasks.c.task_id.in_(task_ids)))


async def forget_old(session: AsyncSession, *, seconds: float) -> None:
    """Drop tasks that nobody will ask for again."""
    await session.execute(delete(unheard_tasks).where(unheard_tasks.c.made_at < utc_after(-seconds)))
