"""Every query about node credentials."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.models import node_credentials
from sextant_auth.models.validity import valid_from_now
from sextant_auth.tokens.issuer import Bearer
from sextant_shared.contract.claims import ClientType


@dataclass(frozen=True)
class NodeAccount:
    """A node as auth knows it.

    Attributes:
        seen_told_at: when api was last told that it was seen.
    """

    id: int
    organization_id: int
    collaboration_id: int | None
    name: str
    version: int
    tokens_valid_from: int
    seen_told_at: datetime | None

    @property
    def bearer(self) -> Bearer:
        """Whom to make tokens for."""
        return Bearer(ClientType.NODE, self.id, self.version, self.tokens_valid_from)


_COLUMNS = (
    node_credentials.c.node_id.label("id"),
    node_credentials.c.organization_id,
    node_credentials.c.collaboration_id,
    node_credentials.c.name,
    node_credentials.c.version,
    node_credentials.c.tokens_valid_from,
    node_credentials.c.seen_told_at,
)


async def find_by_fingerprint(session: AsyncSession, fingerprint: str) -> NodeAccount | None:
    """Find the node that has a key."""
    row = (await session.execute(select(*_COLUMNS).where(node_credentials.c.key_hmac == fingerprint))).first()
    return NodeAccount(*row) if row is not None else None


async def legacy_hashes(session: AsyncSession) -> dict[int, str]:
    """The hashes of keys that came with an adopted database and were not used since, by node."""
    table = node_credentials
    rows = await session.execute(
        select(table.c.node_id, table.c.legacy_hash).where(table.c.legacy_hash.is_not(None)).order_by(table.c.node_id)
    )
    return {row.node_id: row.legacy_hash for row in rows}


async def adopt_key(session: AsyncSession, node_id: int, legacy_hash: str, *, fingerprint: str) -> bool:
    """Let a node be found by its key's fingerprint instead of the old hash; False if it has another key by now."""
    table = node_credentials
    adopted = await session.scalar(
        update(table)
        .where(table.c.node_id == node_id, table.c.legacy_hash == legacy_hash)
        .values(key_hmac=fingerprint, legacy_hash=None)
        .returning(table.c.node_id)
    )
    return adopted is not None


async def find(session: AsyncSession, node_id: int) -> NodeAccount | None:
    """Find a node."""
    row = (await session.execute(select(*_COLUMNS).where(node_credentials.c.node_id == node_id))).first()
    return NodeAccount(*row) if row is not None else None


async def set_key(
    session: AsyncSession,
    *,
    node_id: int,
    organization_id: int,
    collaboration_id: int | None,
    name: str,
    fingerprint: str,
    now: datetime,
) -> int:
    """Give a node a key, its first or another (then older tokens end); returns its new version."""
    table = node_credentials
    values = {
        "organization_id": organization_id,
        "collaboration_id": collaboration_id,
        "name": name,
        "key_hmac": fingerprint,
        "legacy_hash": None,
        "profile_as_of": now,
    }
    version: int | None = await session.scalar(
        update(table)
        .where(table.c.node_id == node_id)
        .values(
            **values,
            version=table.c.version + 1,
            tokens_valid_from=valid_from_now(table.c.tokens_valid_from, now),
        )
        .returning(table.c.version)
    )
    if version is not None:
        return version
    await session.execute(table.insert().values(node_id=node_id, version=1, **values))
    return 1


async def replace_key(session: AsyncSession, node_id: int, *, fingerprint: str, now: datetime) -> int | None:
    """Give a node another key and let older tokens end; returns its new version, or None if there is no such node."""
    table = node_credentials
    version: int | None = await session.scalar(
        update(table)
        .where(table.c.node_id == node_id)
        .values(
            key_hmac=fingerprint,
            legacy_hash=None,
            version=table.c.version + 1,
            tokens_valid_from=valid_from_now(table.c.tokens_valid_from, now),
        )
        .returning(table.c.version)
    )
    return version


async def note_told_seen(session: AsyncSession, node_id: int, *, now: datetime, unless_since: datetime) -> bool:
    """Note that it is told now that a node was seen; tells whether that was not done lately."""
    table = node_credentials
    noted = await session.scalar(
        update(table)
        .where(table.c.node_id == node_id, or_(table.c.seen_told_at.is_(None), table.c.seen_told_at < unless_since))
        .values(seen_told_at=now)
        .returning(table.c.node_id)
    )
    return noted is not None


async def change_profile(
    session: AsyncSession,
    *,
    node_id: int,
    organization_id: int,
    collaboration_id: int | None,
    name: str,
    as_of: datetime,
) -> int | None:
    """Follow what api says of a node, unless something newer is known; returns the new version."""
    table = node_credentials
    version: int | None = await session.scalar(
        update(table)
        .where(table.c.node_id == node_id, table.c.profile_as_of < as_of)
        .values(
            organization_id=organization_id,
            collaboration_id=collaboration_id,
            name=name,
            profile_as_of=as_of,
            version=table.c.version + 1,
        )
        .returning(table.c.version)
    )
    return version


async def remove(session: AsyncSession, node_id: int) -> int | None:
    """Forget a node; returns its last version, or None if it was not known."""
    table = node_credentials
    version: int | None = await session.scalar(
        delete(table).where(table.c.node_id == node_id).returning(table.c.version)
    )
    return version
