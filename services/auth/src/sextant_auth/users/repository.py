"""Every query about users."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.credentials.lockout_policy import Guesses
from sextant_auth.models import roles, user_roles, users
from sextant_auth.tokens.issuer import Bearer
from sextant_shared.contract.claims import ClientType


@dataclass(frozen=True)
class Account:
    """What a login is checked against."""

    id: int
    username: str
    password_hash: str


async def find_account(session: AsyncSession, username: str) -> Account | None:
    """Find an account by its name, exactly as it is spelled."""
    row = (
        await session.execute(
            select(users.c.id, users.c.username, users.c.password_hash).where(
                users.c.username_folded == username.casefold()
            )
        )
    ).first()
    # names that differ in case only cannot both exist, but a login names its account as it is
    return Account(row.id, row.username, row.password_hash) if row is not None and row.username == username else None


async def enter(session: AsyncSession, account: Account, *, better_hash: str | None, now: datetime) -> Bearer | None:
    """Note a successful login and forget earlier failures.

    Returns:
        Whom to make tokens for; None if the account is locked, gone, or has another password by now.
    """
    entered = (
        await session.execute(
            update(users)
            .where(
                users.c.id == account.id,
                users.c.password_hash == account.password_hash,
                or_(users.c.locked_until.is_(None), users.c.locked_until <= now),
            )
            .values(
                failed_logins=0,
                locked_until=None,
                last_seen=now,
                password_hash=better_hash or account.password_hash,
            )
            .returning(users.c.version, users.c.tokens_valid_from)
        )
    ).first()
    if entered is None:
        return None
    names = await session.scalars(
        select(roles.c.name)
        .join(user_roles, user_roles.c.role_id == roles.c.id)
        .where(user_roles.c.user_id == account.id)
    )
    return Bearer(ClientType.USER, account.id, entered.version, entered.tokens_valid_from, tuple(names))


async def find_bearer(session: AsyncSession, user_id: int) -> Bearer | None:
    """Find whom to make tokens for."""
    rows = (
        await session.execute(
            select(users.c.version, users.c.tokens_valid_from, roles.c.name)
            .outerjoin(user_roles, user_roles.c.user_id == users.c.id)
            .outerjoin(roles, roles.c.id == user_roles.c.role_id)
            .where(users.c.id == user_id)
        )
    ).all()
    if not rows:
        return None
    names = tuple(row.name for row in rows if row.name is not None)
    return Bearer(ClientType.USER, user_id, rows[0].version, rows[0].tokens_valid_from, names)


async def email_of(session: AsyncSession, user_id: int) -> str | None:
    """Read a user's mail address."""
    email: str | None = await session.scalar(select(users.c.email).where(users.c.id == user_id))
    return email


async def find_guesses(session: AsyncSession, user_id: int) -> Guesses | None:
    """Read how often an account's password was guessed, so that until the transaction's end nobody else counts."""
    row = (
        await session.execute(
            select(users.c.failed_logins, users.c.locked_until).where(users.c.id == user_id).with_for_update()
        )
    ).first()
    return Guesses(row.failed_logins, row.locked_until) if row is not None else None


async def save_guesses(session: AsyncSession, user_id: int, guesses: Guesses) -> None:
    """Store a count."""
    await session.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(failed_logins=guesses.failures, locked_until=guesses.locked_until)
    )
