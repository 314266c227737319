"""Every query about waiting mails."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, delete, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import mail_queue, users
from sextant_shared.db import UtcDateTime

_table = mail_queue.c


@dataclass(frozen=True)
class WaitingMail:
    """A mail whose turn it is.

    Attributes:
        id: of the row.
        kind: of the letter.
        recipient: the address.
        sealed: the letter.
        attempts: how often it was tried, with this time.
        expires_at: when it is of no use any more.
    """

    id: UUID
    kind: str
    recipient: str
    sealed: str
    attempts: int
    expires_at: datetime


async def add(
    session: AsyncSession,
    mail_id: UUID,
    user_id: int,
    *,
    kind: str,
    sealed: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Queue a mail to a user's address; for a user that does not exist the same statement adds nothing."""
    await session.execute(
        mail_queue.insert().from_select(
            ["id", "kind", "recipient", "letter_encrypted", "queued_at", "due_at", "expires_at"],
            select(
                literal(mail_id, Uuid),
                literal(kind),
                users.c.email,
                literal(sealed),
                literal(now, UtcDateTime),
                literal(now, UtcDateTime),
                literal(expires_at, UtcDateTime),
            ).where(users.c.id == user_id),
        )
    )


async def is_any_due(session: AsyncSession, now: datetime) -> bool:
    """Tell whether it is any mail's turn, for those who would rather not write to find out."""
    found = await session.scalar(select(_table.id).where(_table.due_at <= now).limit(1))
    return found is not None


async def claim(session: AsyncSession, *, now: datetime, until: datetime) -> WaitingMail | None:
    """Take the mail that is due the longest, for nobody else to take before `until`."""
    found = await session.scalar(
        select(_table.id)
        .where(_table.due_at <= now)
        .order_by(_table.due_at, _table.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is None:
        return None
    row = (
        await session.execute(
            update(mail_queue)
            .where(_table.id == found)
            .values(due_at=until, attempts=_table.attempts + 1)
            .returning(
                _table.id, _table.kind, _table.recipient, _table.letter_encrypted, _table.attempts, _table.expires_at
            )
        )
    ).one()
    return WaitingMail(*row)


async def remove(session: AsyncSession, mail_id: UUID) -> None:
    """Forget a mail that was sent, or never will be."""
    await session.execute(delete(mail_queue).where(_table.id == mail_id))


async def postpone(session: AsyncSession, mail_id: UUID, *, due_at: datetime) -> None:
    """Let a mail be tried again."""
    await session.execute(update(mail_queue).where(_table.id == mail_id).values(due_at=due_at))
