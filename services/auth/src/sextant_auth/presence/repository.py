"""Every query about the presence of users; leases are `sextant_shared.db.leases`."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import user_connections, users
from sextant_shared.db import utc_now
from sextant_shared.db.leases import Leases
from sextant_shared.db.model import utc_after

leases = Leases(user_connections, owner=user_connections.c.user_id, owners=users, told=(users.c.id,))
"""Those of users."""

_SEEN_SECONDS: Final = 60
"""How exactly it is kept when a connected user was seen; each time rewrites an index."""


async def note_seen(session: AsyncSession, user_ids: Collection[int]) -> None:
    """Note that users showed a sign of life, unless that was noted a moment ago."""
    is_news = or_(users.c.last_seen.is_(None), users.c.last_seen < utc_after(-_SEEN_SECONDS))
    await session.execute(users.update().where(users.c.id.in_(user_ids), is_news).values(last_seen=utc_now()))
