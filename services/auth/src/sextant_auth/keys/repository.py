"""Every query about signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.keys.material import NewKey
from sextant_auth.keys.rotation import PUBLISHED, KeyLife, KeyState
from sextant_auth.models import signing_keys


class RotationLostError(Exception):
    """Another replica took the step first, which is as good."""


@dataclass(frozen=True)
class StoredKey:
    """A published key."""

    life: KeyLife
    public_jwk: dict[str, Any]
    private_jwk_encrypted: str | None


async def published(session: AsyncSession) -> Sequence[StoredKey]:
    """The keys that verifiers should know, oldest first."""
    table = signing_keys
    rows = await session.execute(
        select(table).where(table.c.state.in_([str(state) for state in PUBLISHED])).order_by(table.c.created_at)
    )
    return [
        StoredKey(
            KeyLife(row.kid, KeyState(row.state), row.created_at, row.activated_at, row.demoted_at),
            row.public_jwk,
            row.private_jwk_encrypted,
        )
        for row in rows
    ]


async def add(session: AsyncSession, key: NewKey, state: KeyState, now: datetime) -> None:
    """Add a key.

    Raises:
        RotationLostError: there is one in this state already.
    """
    try:
        await session.execute(
            signing_keys.insert().values(
                kid=key.kid,
                state=state,
                public_jwk=key.public_jwk,
                private_jwk_encrypted=key.private_jwk_encrypted,
                created_at=now,
                activated_at=now if state is KeyState.ACTIVE else None,
            )
        )
    except IntegrityError as error:
        raise RotationLostError from error


async def demote(session: AsyncSession, kid: str, now: datetime) -> None:
    """Take the active key out of use and destroy its private half.

    Raises:
        RotationLostError: it is not active any more.
    """
    await _move(
        session,
        kid,
        KeyState.ACTIVE,
        {"state": KeyState.PASSIVE, "demoted_at": now, "private_jwk_encrypted": None},
    )


async def activate(session: AsyncSession, kid: str, now: datetime) -> None:
    """Let the pending key sign.

    Raises:
        RotationLostError: it is not pending any more.
    """
    await _move(session, kid, KeyState.PENDING, {"state": KeyState.ACTIVE, "activated_at": now})


async def retire(session: AsyncSession, kid: str, now: datetime) -> None:
    """Stop publishing a key.

    Raises:
        RotationLostError: it is not passive any more.
    """
    await _move(session, kid, KeyState.PASSIVE, {"state": KeyState.RETIRED, "retired_at": now})


async def _move(session: AsyncSession, kid: str, expected: KeyState, values: dict[str, Any]) -> None:
    table = signing_keys
    moved = await session.execute(
        update(table).where(table.c.kid == kid, table.c.state == expected).values(**values).returning(table.c.kid)
    )
    if moved.first() is None:
        raise RotationLostError
