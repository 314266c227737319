"""The names by which services pass sessions and rows on, without speaking SQL themselves."""

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession as Session

__all__ = ["Row", "Session"]
