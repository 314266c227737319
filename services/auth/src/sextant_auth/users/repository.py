"""Every query about users."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, delete, false, func, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.credentials.lockout_policy import Guesses
from sextant_auth.directory.repository import members_of, partners_of
from sextant_auth.models import roles, user_roles, user_rules, users
from sextant_auth.models.validity import valid_from_now
from sextant_auth.tokens.issuer import Bearer
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.contract.permissions import Scope
from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.model import is_among
from sextant_shared.db.patterns import like
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

_table = users.c
_PROFILE: Sequence[ColumnElement[Any]] = (
    _table.id,
    _table.username,
    _table.firstname,
    _table.lastname,
    _table.email,
    _table.organization_id,
    _table.last_seen,
    _table.status,
    _table.failed_login_mailed_at,
    _table.recovery_mailed_at,
)
"""What the wire shows of a user; nothing secret is ever selected with it."""

_IDENTITY: Sequence[ColumnElement[Any]] = (
    _table.username,
    _table.organization_id,
    _table.version,
    _table.tokens_valid_from,
)
SORTABLE: Mapping[str, Column[Any] | None] = {
    "id": _table.id,
    "username": _table.username,
    "email": _table.email,
    # the wire takes the name, and does not sort
    "organization": None,
    "firstname": _table.firstname,
    "lastname": _table.lastname,
    "last_seen": _table.last_seen,
}


class NameTakenError(BadRequestError):
    """Another user has the name or the mail address, be it in other cases."""

    code = "already_exists"


@dataclass(frozen=True)
class Account:
    """What a login is checked against."""

    id: int
    username: str
    password_hash: str
    guesses: Guesses


async def find_account(session: AsyncSession, username: str) -> Account | None:
    """Find an account by its name, exactly as it is spelled."""
    account = await _find_account(session, _table.username_folded == username.casefold())
    # names that differ in case only cannot both exist, but a login names its account as it is
    return account if account is not None and account.username == username else None


async def find_account_by_email(session: AsyncSession, email: str) -> Account | None:
    """Find an account by its mail address, in whatever case."""
    return await _find_account(session, _table.email_folded == email.casefold())


async def _find_account(session: AsyncSession, condition: ColumnElement[bool]) -> Account | None:
    columns = (_table.id, _table.username, _table.password_hash, _table.failed_logins, _table.locked_until)
    row = (await session.execute(select(*columns).where(condition))).first()
    if row is None:
        return None
    return Account(row.id, row.username, row.password_hash, Guesses(row.failed_logins, row.locked_until))


async def bcrypt_rounds(session: AsyncSession) -> int | None:
    """The greatest cost among bcrypt hashes (`$2b$12$...`: 12); None if no account has one."""
    rounds: str | None = await session.scalar(
        select(func.max(func.substr(_table.password_hash, 5, 2))).where(_table.password_hash.like("$2_$__$%"))
    )
    return int(rounds) if rounds is not None and rounds.isdecimal() else None


async def lock_account(session: AsyncSession, account: Account, now: datetime) -> bool:
    """Hold an account until the transaction's end; tells whether it is open, and its password the one checked."""
    held = await session.scalar(
        select(_table.id)
        .where(
            _table.id == account.id,
            _table.password_hash == account.password_hash,
            or_(_table.locked_until.is_(None), _table.locked_until <= now),
        )
        .with_for_update()
    )
    return held is not None


async def enter(session: AsyncSession, account: Account, *, better_hash: str | None, now: datetime) -> Bearer | None:
    """Note a successful login and forget earlier failures.

    Returns:
        Whom to make tokens for; None if the account is locked, gone, or has another password by now.
    """
    entered = (
        await session.execute(
            update(users)
            .where(
                _table.id == account.id,
                _table.password_hash == account.password_hash,
                or_(_table.locked_until.is_(None), _table.locked_until <= now),
            )
            .values(
                failed_logins=0,
                locked_until=None,
                last_seen=now,
                password_hash=better_hash or account.password_hash,
            )
            .returning(_table.version, _table.tokens_valid_from)
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
            select(_table.version, _table.tokens_valid_from, roles.c.name)
            .outerjoin(user_roles, user_roles.c.user_id == _table.id)
            .outerjoin(roles, roles.c.id == user_roles.c.role_id)
            .where(_table.id == user_id)
        )
    ).all()
    if not rows:
        return None
    names = tuple(row.name for row in rows if row.name is not None)
    return Bearer(ClientType.USER, user_id, rows[0].version, rows[0].tokens_valid_from, names)


async def email_of(session: AsyncSession, user_id: int) -> str | None:
    """Read a user's mail address."""
    email: str | None = await session.scalar(select(_table.email).where(_table.id == user_id))
    return email


@dataclass(frozen=True)
class Failures:
    """How often one factor of an account was guessed.

    Attributes:
        username: of the account.
        guesses: so far.
        mailed_at: when the user was last told that the account is locked.
    """

    username: str
    guesses: Guesses
    mailed_at: datetime | None


async def find_failures(session: AsyncSession, user_id: int) -> Failures | None:
    """Read how often an account's password was guessed, so that until the transaction's end nobody else counts."""
    row = (
        await session.execute(
            select(_table.username, _table.failed_logins, _table.locked_until, _table.failed_login_mailed_at)
            .where(_table.id == user_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        return None
    return Failures(row.username, Guesses(row.failed_logins, row.locked_until), row.failed_login_mailed_at)


async def find_code_failures(session: AsyncSession, user_id: int) -> Failures | None:
    """The same for the codes of its second factor."""
    row = (
        await session.execute(
            select(_table.username, _table.otp_failures, _table.otp_locked_until, _table.failed_login_mailed_at)
            .where(_table.id == user_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        return None
    return Failures(row.username, Guesses(row.otp_failures, row.otp_locked_until), row.failed_login_mailed_at)


async def note_lock_mailed(session: AsyncSession, user_id: int, now: datetime) -> None:
    """Remember that a user was told that the account is locked."""
    await session.execute(update(users).where(_table.id == user_id).values(failed_login_mailed_at=now))


async def save_guesses(session: AsyncSession, user_id: int, guesses: Guesses) -> None:
    """Store a count."""
    await session.execute(
        update(users)
        .where(_table.id == user_id)
        .values(failed_logins=guesses.failures, locked_until=guesses.locked_until)
    )


@dataclass(frozen=True)
class Filters:
    """What the list of users may be narrowed by."""

    username: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    role_id: int | None = None
    rule_id: int | None = None
    last_seen_from: datetime | None = None
    last_seen_till: datetime | None = None


def visible_to(caller: Principal, scope: Scope | None) -> ColumnElement[bool]:
    """The users that a user sees who holds VIEW with `scope`."""
    if scope is Scope.GLOBAL:
        return true()
    own = _table.organization_id == caller.organization_id
    if scope is Scope.COLLABORATION:
        return or_(own, is_among(_table.organization_id, partners_of(caller.organization_id)))
    return own if scope is Scope.ORGANIZATION else false()


async def find_identity(session: AsyncSession, user_id: int) -> Row[Any] | None:
    """What makes a principal of a user, less its rules."""
    return (await session.execute(select(*_IDENTITY).where(_table.id == user_id))).one_or_none()


async def find(session: AsyncSession, user_id: int) -> Row[Any] | None:
    """One user's profile."""
    return (await session.execute(select(*_PROFILE).where(_table.id == user_id))).one_or_none()


async def lock(session: AsyncSession, user_id: int) -> Row[Any] | None:
    """One user's profile, which until the transaction's end nobody else changes."""
    return (await session.execute(select(*_PROFILE).where(_table.id == user_id).with_for_update())).one_or_none()


async def listed(
    session: AsyncSession, visible: ColumnElement[bool], filters: Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of the visible users, and how many there are in all."""
    conditions = [visible]
    for column, pattern in (
        (_table.username, filters.username),
        (_table.firstname, filters.firstname),
        (_table.lastname, filters.lastname),
        (_table.email, filters.email),
    ):
        if pattern is not None:
            conditions.append(like(column, pattern))
    if filters.organization_id is not None:
        conditions.append(_table.organization_id == filters.organization_id)
    if filters.collaboration_id is not None:
        conditions.append(_table.organization_id.in_(members_of(filters.collaboration_id)))
    if filters.role_id is not None:
        conditions.append(_table.id.in_(select(user_roles.c.user_id).where(user_roles.c.role_id == filters.role_id)))
    if filters.rule_id is not None:
        conditions.append(_table.id.in_(select(user_rules.c.user_id).where(user_rules.c.rule_id == filters.rule_id)))
    if filters.last_seen_from is not None:
        conditions.append(_table.last_seen >= filters.last_seen_from)
    if filters.last_seen_till is not None:
        conditions.append(_table.last_seen <= filters.last_seen_till)
    total = await session.scalar(select(func.count()).select_from(users).where(*conditions))
    order = page.order_by(SORTABLE, [_table.id.asc()])
    rows = await session.execute(
        select(*_PROFILE).where(*conditions).order_by(*order).limit(page.per_page).offset(page.offset)
    )
    return rows.all(), total or 0


async def role_ids(session: AsyncSession, user_id: int) -> set[int]:
    """The roles that a user has."""
    return set(await session.scalars(select(user_roles.c.role_id).where(user_roles.c.user_id == user_id)))


async def rule_ids(session: AsyncSession, user_id: int) -> set[int]:
    """The rules that a user has directly."""
    return set(await session.scalars(select(user_rules.c.rule_id).where(user_rules.c.user_id == user_id)))


async def add(session: AsyncSession, values: Mapping[str, Any]) -> Row[Any]:
    """Make a user.

    Raises:
        NameTakenError: the name or the mail address is taken.
    """
    try:
        added = await session.execute(users.insert().values(**_folded(values)).returning(*_PROFILE))
    except IntegrityError as error:
        raise _told(error) from error
    return added.one()


async def change(session: AsyncSession, user_id: int, values: Mapping[str, Any]) -> Row[Any]:
    """Change a user's profile; the principal becomes a new version of itself.

    Raises:
        NameTakenError: the name or the mail address is taken.
    """
    try:
        changed = await session.execute(
            update(users)
            .where(_table.id == user_id)
            .values(**_folded(values), version=_table.version + 1)
            .returning(*_PROFILE, _table.version)
        )
    except IntegrityError as error:
        raise _told(error) from error
    return changed.one()


async def give(
    session: AsyncSession, user_id: int, *, roles: Collection[int] = (), rules: Collection[int] = ()
) -> None:
    """Give a user roles and rules that it does not have."""
    if roles:
        await session.execute(user_roles.insert(), [{"user_id": user_id, "role_id": id_} for id_ in sorted(roles)])
    if rules:
        await session.execute(user_rules.insert(), [{"user_id": user_id, "rule_id": id_} for id_ in sorted(rules)])


async def take(
    session: AsyncSession, user_id: int, *, roles: Collection[int] = (), rules: Collection[int] = ()
) -> None:
    """Take roles and rules from a user."""
    if roles:
        await session.execute(
            delete(user_roles).where(user_roles.c.user_id == user_id, user_roles.c.role_id.in_(roles))
        )
    if rules:
        await session.execute(
            delete(user_rules).where(user_rules.c.user_id == user_id, user_rules.c.rule_id.in_(rules))
        )


async def remove(session: AsyncSession, user_id: int) -> int | None:
    """Delete a user; returns its last version, or None if there was none."""
    version: int | None = await session.scalar(delete(users).where(_table.id == user_id).returning(_table.version))
    return version


async def remove_of_organization(session: AsyncSession, organization_id: int) -> Sequence[Row[int, int]]:
    """Delete the users of an organization; returns their ids and last versions."""
    gone = await session.execute(
        delete(users).where(_table.organization_id == organization_id).returning(_table.id, _table.version)
    )
    return gone.all()


async def find_password(session: AsyncSession, user_id: int) -> str | None:
    """Read the hash of a user's password."""
    stored: str | None = await session.scalar(select(_table.password_hash).where(_table.id == user_id))
    return stored


async def reset_password(session: AsyncSession, user_id: int, *, new_hash: str, now: datetime) -> Row[Any] | None:
    """Replace a password that is lost, be the account locked or not, and let older tokens end.

    The second factor, and what was guessed at it, stay.

    Returns:
        The user's name and new version; None if it is gone.
    """
    return (
        await session.execute(
            update(users)
            .where(_table.id == user_id)
            .values(
                password_hash=new_hash,
                failed_logins=0,
                locked_until=None,
                tokens_valid_from=valid_from_now(_table.tokens_valid_from, now),
                version=_table.version + 1,
            )
            .returning(_table.username, _table.version)
        )
    ).first()


async def set_password(
    session: AsyncSession, user_id: int, *, old_hash: str, new_hash: str, now: datetime
) -> int | None:
    """Replace a password, forget wrong guesses at the old one, and let older tokens end.

    Returns:
        The user's new version; None if the account is locked, gone, or has another password by now.
    """
    version: int | None = await session.scalar(
        update(users)
        .where(
            _table.id == user_id,
            _table.password_hash == old_hash,
            or_(_table.locked_until.is_(None), _table.locked_until <= now),
        )
        .values(
            password_hash=new_hash,
            failed_logins=0,
            locked_until=None,
            tokens_valid_from=valid_from_now(_table.tokens_valid_from, now),
            version=_table.version + 1,
        )
        .returning(_table.version)
    )
    return version


def _folded(values: Mapping[str, Any]) -> dict[str, Any]:
    folded = {f"{name}_folded": values[name].casefold() for name in ("username", "email") if name in values}
    return {**values, **folded}


def _told(error: IntegrityError) -> Exception:
    if breaks_unique(error, _table.username_folded):
        return NameTakenError("There is already a user of this name")
    if breaks_unique(error, _table.email_folded):
        return NameTakenError("There is already a user with this mail address")
    return error


@dataclass(frozen=True)
class SecondFactorState:
    """What is stored of an account's second factor."""

    secret_sealed: str | None
    pending_sealed: str | None
    last_step: int | None
    guesses: Guesses


async def find_second_factor(session: AsyncSession, user_id: int) -> SecondFactorState:
    """Read the second factor, so that until the transaction's end nobody else uses the same code."""
    row = (
        await session.execute(
            select(
                _table.otp_secret_encrypted,
                _table.otp_pending_encrypted,
                _table.otp_last_step,
                _table.otp_failures,
                _table.otp_locked_until,
            )
            .where(_table.id == user_id)
            .with_for_update()
        )
    ).one()
    return SecondFactorState(
        row.otp_secret_encrypted,
        row.otp_pending_encrypted,
        row.otp_last_step,
        Guesses(row.otp_failures, row.otp_locked_until),
    )


async def offer_second_factor(session: AsyncSession, user_id: int, sealed: str) -> None:
    """Store a secret that was shown but not proven."""
    await session.execute(update(users).where(_table.id == user_id).values(otp_pending_encrypted=sealed))


async def prove_second_factor(session: AsyncSession, user_id: int, step: int) -> None:
    """Note the accepted code; a pending secret is the secret now, and wrong codes are forgotten."""
    await session.execute(
        update(users)
        .where(_table.id == user_id)
        .values(
            otp_secret_encrypted=func.coalesce(_table.otp_secret_encrypted, _table.otp_pending_encrypted),
            otp_pending_encrypted=None,
            otp_last_step=step,
            otp_failures=0,
            otp_locked_until=None,
        )
    )


async def renew_second_factor(session: AsyncSession, user_id: int, *, sealed: str, now: datetime) -> int | None:
    """Replace a second factor that is lost, forget guesses at the old one, and let older tokens end.

    Returns:
        The user's new version; None if it is gone.
    """
    version: int | None = await session.scalar(
        update(users)
        .where(_table.id == user_id)
        .values(
            otp_secret_encrypted=sealed,
            otp_pending_encrypted=None,
            otp_last_step=None,
            otp_failures=0,
            otp_locked_until=None,
            tokens_valid_from=valid_from_now(_table.tokens_valid_from, now),
            version=_table.version + 1,
        )
        .returning(_table.version)
    )
    return version


async def save_code_guesses(session: AsyncSession, user_id: int, guesses: Guesses) -> None:
    """Store a count of wrong codes."""
    await session.execute(
        update(users)
        .where(_table.id == user_id)
        .values(otp_failures=guesses.failures, otp_locked_until=guesses.locked_until)
    )
