"""The one query about containers."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import runs


async def is_running(session: AsyncSession, task_id: int, organization_id: int) -> bool:
    """Tell whether a task exists and an organization's run of it has not ended."""
    going_on = exists().where(
        runs.c.task_id == task_id, runs.c.organization_id == organization_id, runs.c.finished_at.is_(None)
    )
    return bool((await session.execute(select(going_on))).scalar())
