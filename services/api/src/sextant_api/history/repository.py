"""Every query about the history of events.

Positions are given out and taken away by whoever holds the one row of the state, so that a reader who saw a position
has seen all before it: none becomes visible later.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Row, and_, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_api.models import event_history as events
from sextant_api.models import event_history_state as state
from sextant_api.models import memberships
from sextant_shared.contract.history import HistoryPage
from sextant_shared.db.model import utc_after


async def begin_epoch(session: AsyncSession, epoch: UUID) -> None:
    """Forget all that was kept, and begin anew."""
    await session.execute(delete(events))
    await session.execute(delete(state))
    await session.execute(insert(state).values(epoch=epoch))


async def has_epoch(session: AsyncSession) -> bool:
    """Tell whether the history has begun."""
    return bool((await session.execute(select(exists().select_from(state)))).scalar_one())


async def has_new(session: AsyncSession) -> bool:
    """Tell whether there are facts without a position."""
    return bool((await session.execute(select(exists().where(events.c.position.is_(None))))).scalar_one())


async def claim(session: AsyncSession) -> Row[UUID, int, int] | None:
    """Take hold of the state until the transaction ends; None while somebody else does."""
    return (
        await session.execute(select(state.c.epoch, state.c.newest, state.c.oldest).with_for_update(skip_locked=True))
    ).one_or_none()


async def number_new(session: AsyncSession, newest: int, *, limit: int) -> int:
    """Give positions to facts that have none, in the order in which they were written.

    Args:
        session: that holds the state.
        newest: position given out last.
        limit: to how many at most.

    Returns:
        To how many.
    """
    new = (
        select(events.c.id, func.row_number().over(order_by=events.c.id).label("place"))
        .where(events.c.position.is_(None))
        .order_by(events.c.id)
        .limit(limit)
        .subquery()
    )
    numbered = await session.execute(
        update(events).where(events.c.id == new.c.id).values(position=newest + new.c.place)
    )
    count: int = numbered.rowcount  # type: ignore[attr-defined]  # an UPDATE's result has it
    if count:
        await session.execute(update(state).values(newest=newest + count))
    return count


async def find_page(
    session: AsyncSession, *, after: int | None, limit: int, collaborations: Collection[int] | None = None
) -> HistoryPage:
    """Read on; all in one statement, so that nothing is cleared away between its parts.

    Args:
        session: to read with.
        after: position read last; None for the end of the history.
        limit: how many facts at most.
        collaborations: only facts of these; None for all.
    """
    wanted = and_(events.c.position > (state.c.newest if after is None else after), events.c.position <= state.c.newest)
    if collaborations is not None:
        wanted &= events.c.collaboration_id.in_(collaborations)
    rows = (
        await session.execute(
            select(state.c.epoch, state.c.oldest, state.c.newest, events.c.position, events.c.envelope)
            .join_from(state, events, wanted, isouter=True)
            .order_by(events.c.position)
            .limit(limit)
        )
    ).all()
    first = rows[0]
    entries = [{"number": row.position, "envelope": row.envelope} for row in rows if row.position is not None]
    return HistoryPage.model_validate(
        {
            "epoch": first.epoch,
            "oldest": first.oldest,
            "newest": first.newest,
            "reached": entries[-1]["number"] if len(entries) == limit else first.newest,
            "entries": entries,
        }
    )


async def collaborations_of_organization(session: AsyncSession, organization_id: int) -> Sequence[int]:
    """Name the collaborations that an organization takes part in."""
    own = select(memberships.c.collaboration_id).where(memberships.c.organization_id == organization_id)
    return (await session.execute(own)).scalars().all()


async def clear_away(session: AsyncSession, *, oldest: int, newest: int, seconds: float, count: int, limit: int) -> int:
    """Remove some of what is too old, or too much.

    Args:
        session: that holds the state.
        oldest: position of the oldest that is kept.
        newest: position of the newest.
        seconds: how old an event may be.
        count: how many are kept at most.
        limit: how many to remove at most.

    Returns:
        How many were removed.
    """
    some = (
        select(events.c.position, events.c.recorded_at)
        .where(events.c.position >= oldest)
        .order_by(events.c.position)
        .limit(limit)
        .subquery()
    )
    last_to_go = (
        await session.execute(
            select(func.max(some.c.position)).where(
                (some.c.position <= newest - count) | (some.c.recorded_at < utc_after(-seconds))
            )
        )
    ).scalar_one()
    if last_to_go is None:
        return 0
    await session.execute(delete(events).where(events.c.position <= last_to_go))
    await session.execute(update(state).values(oldest=last_to_go + 1))
    return int(last_to_go - oldest + 1)
