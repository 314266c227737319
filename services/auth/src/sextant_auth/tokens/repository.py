"""Every query about families of refresh tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import refresh_families
from sextant_auth.tokens.refresh_policy import Family
from sextant_shared.contract.claims import ClientType


async def add(
    session: AsyncSession, family_id: UUID, client_type: ClientType, principal_id: int, family: Family
) -> None:
    """Begin a family."""
    await session.execute(
        refresh_families.insert().values(
            id=family_id,
            client_type=client_type,
            principal_id=principal_id,
            created_at=family.created_at,
            **_changing(family),
        )
    )


async def find(session: AsyncSession, family_id: UUID, client_type: ClientType, principal_id: int) -> Family | None:
    """Read a family of a principal, so that until the transaction's end nobody else changes it."""
    table = refresh_families
    row = (
        await session.execute(
            select(table)
            .where(table.c.id == family_id, table.c.client_type == client_type, table.c.principal_id == principal_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        return None
    return Family(
        generation=row.generation,
        parent=row.parent_generation,
        superseded=tuple((generation, datetime.fromisoformat(at)) for generation, at in row.superseded),
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


async def save(session: AsyncSession, family_id: UUID, family: Family) -> None:
    """Store a rotation."""
    table = refresh_families
    await session.execute(update(table).where(table.c.id == family_id).values(**_changing(family)))


async def revoke(session: AsyncSession, family_id: UUID, *, reason: str, now: datetime) -> None:
    """End one login."""
    table = refresh_families
    await session.execute(
        update(table)
        .where(table.c.id == family_id, table.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_for=reason)
    )


async def revoke_all(
    session: AsyncSession, client_type: ClientType, principal_id: int, *, reason: str, now: datetime
) -> None:
    """End all logins of a principal."""
    table = refresh_families
    await session.execute(
        update(table)
        .where(table.c.principal_id == principal_id, table.c.client_type == client_type, table.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_for=reason)
    )


async def purge(session: AsyncSession, *, before: datetime) -> int:
    """Delete the families that ran out before a time: none of their tokens is valid, so none can be reused."""
    table = refresh_families
    gone = await session.execute(delete(table).where(table.c.expires_at < before).returning(table.c.id))
    return len(gone.all())


def _changing(family: Family) -> dict[str, object]:
    return {
        "generation": family.generation,
        "parent_generation": family.parent,
        "superseded": [[generation, at.isoformat()] for generation, at in family.superseded],
        "rotated_at": family.rotated_at,
        "expires_at": family.expires_at,
    }
