"""Every query about recovery tokens, and about users who may get one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import recovery_tokens, users
from sextant_shared.db import UtcDateTime

_table = recovery_tokens.c


@dataclass(frozen=True)
class LostAccount:
    """An account that somebody wants back.

    Attributes:
        id: of the user.
        username: of the user.
        mailed_at: when the last mail for this purpose was.
    """

    id: int
    username: str
    mailed_at: datetime | None


async def hold_by_name(session: AsyncSession, username: str) -> LostAccount | None:
    """Find an account by name, in whatever case, and hold it until the transaction's end."""
    return await _hold(session, users.c.username_folded == username.casefold())


async def hold_by_email(session: AsyncSession, email: str) -> LostAccount | None:
    """Find an account by mail address, in whatever case, and hold it until the transaction's end."""
    return await _hold(session, users.c.email_folded == email.casefold())


async def _hold(session: AsyncSession, condition: ColumnElement[bool]) -> LostAccount | None:
    row = (
        await session.execute(
            select(users.c.id, users.c.username, users.c.recovery_mailed_at).where(condition).with_for_update()
        )
    ).first()
    return LostAccount(*row) if row is not None else None


async def second_factor_mailed_at(session: AsyncSession, user_id: int) -> datetime | None:
    """When a user was last mailed about its second factor."""
    at: datetime | None = await session.scalar(select(users.c.otp_recovery_mailed_at).where(users.c.id == user_id))
    return at


async def note_password_mailed(session: AsyncSession, user_id: int, now: datetime) -> None:
    """Remember that a user was mailed about its password."""
    await session.execute(update(users).where(users.c.id == user_id).values(recovery_mailed_at=now))


async def note_second_factor_mailed(session: AsyncSession, user_id: int, at: datetime | None) -> None:
    """Remember that a user was mailed about its second factor; None forgets it."""
    await session.execute(update(users).where(users.c.id == user_id).values(otp_recovery_mailed_at=at))


async def add(
    session: AsyncSession, token_hash: str, user_id: int, purpose: str, *, now: datetime, expires_at: datetime
) -> None:
    """Store a token; for a user that does not exist the same statement adds nothing."""
    await session.execute(
        recovery_tokens.insert().from_select(
            ["token_hash", "purpose", "user_id", "mailed_to", "created_at", "expires_at"],
            select(
                literal(token_hash),
                literal(str(purpose)),
                users.c.id,
                users.c.email_folded,
                literal(now, UtcDateTime),
                literal(expires_at, UtcDateTime),
            ).where(users.c.id == user_id),
        )
    )


async def is_open(session: AsyncSession, token_hash: str, purpose: str, *, now: datetime) -> bool:
    """Tell whether a token could be spent."""
    found = await session.scalar(_owner(token_hash, purpose, now))
    return found is not None


async def spend(session: AsyncSession, token_hash: str, purpose: str, *, now: datetime) -> tuple[int, str] | None:
    """Spend a token; returns the user's id and name, or None if the token cannot be spent.

    The user is held first, as by everything else that changes both, so that two of them never wait for each other.
    """
    owner = (await session.execute(_owner(token_hash, purpose, now).with_for_update(of=users))).first()
    if owner is None:
        return None
    # while we waited for the user, somebody else may have spent the token
    spent = await session.scalar(
        update(recovery_tokens).where(*_open(token_hash, purpose, now)).values(spent_at=now).returning(_table.user_id)
    )
    return (owner.id, owner.username) if spent is not None else None


async def void(session: AsyncSession, user_id: int, *, now: datetime, purpose: str | None = None) -> None:
    """Spend all tokens of a user, or those for one purpose."""
    conditions = [_table.user_id == user_id, _table.spent_at.is_(None)]
    if purpose is not None:
        conditions.append(_table.purpose == purpose)
    await session.execute(update(recovery_tokens).where(*conditions).values(spent_at=now))


async def purge(session: AsyncSession, *, before: datetime) -> None:
    """Delete the tokens that ran out before a time."""
    await session.execute(delete(recovery_tokens).where(_table.expires_at < before))


def _owner(token_hash: str, purpose: str, now: datetime) -> Select[int, str]:
    return (
        select(users.c.id, users.c.username)
        .join(recovery_tokens, _table.user_id == users.c.id)
        .where(*_open(token_hash, purpose, now), _table.mailed_to == users.c.email_folded)
    )


def _open(token_hash: str, purpose: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        _table.token_hash == token_hash,
        _table.purpose == purpose,
        _table.spent_at.is_(None),
        _table.expires_at > now,
    ]
