"""Writes the audit log, in the transaction of what it tells of; that of a refusal in one of its own."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from sextant_auth.models import audit_log
from sextant_shared.contract.claims import ClientType
from sextant_shared.security import Principal

_NAME_CHARS = 128


class Action(StrEnum):
    """What was done or tried. Stored: never rename."""

    USER_LOGGED_IN = "user.logged-in"
    USER_LOCKED = "user.locked"
    SECOND_FACTOR_OFFERED = "user.second-factor-offered"
    SECOND_FACTOR_ENABLED = "user.second-factor-enabled"
    SECOND_FACTOR_LOCKED = "user.second-factor-locked"
    SECOND_FACTOR_RECOVERY_ASKED = "user.second-factor-recovery-asked"
    SECOND_FACTOR_RESET = "user.second-factor-reset"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_DELETED = "user.deleted"
    USER_GRANTED = "user.granted"
    PASSWORD_CHANGED = "user.password-changed"  # noqa: S105 - the name of an action
    PASSWORD_RECOVERY_ASKED = "user.password-recovery-asked"  # noqa: S105 - as above
    PASSWORD_RESET = "user.password-reset"  # noqa: S105 - as above
    NODE_LOGGED_IN = "node.logged-in"
    NODE_KEY_SET = "node.key-set"
    NODE_KEY_REMOVED = "node.key-removed"
    ROLE_CREATED = "role.created"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    REFRESH_REUSED = "refresh.reused"
    SERVICE_LOGGED_IN = "service.logged-in"


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True)
class Actor:
    """Who did it. Of one who only claimed to be somebody, the claimed name is all there is."""

    type: ClientType
    id: int | None = None
    name: str | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """A known caller."""
        return cls(principal.client_type, principal.id or None, principal.name or None)


@dataclass(frozen=True)
class Target:
    """What it was done to."""

    type: str
    id: int


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        actor: who.
        action: what.
        outcome: how it ended.
        target: to whom, if not to the actor.
        reason: a stable word for a refusal.
        address: where the request came from.
    """

    actor: Actor
    action: Action
    outcome: Outcome = Outcome.DONE
    target: Target | None = None
    reason: str | None = None
    address: str | None = None


async def write(session: AsyncSession, *entries: Entry) -> None:
    """Add entries."""
    request_id = get_contextvars().get("request_id")
    await session.execute(
        audit_log.insert(),
        [
            {
                "actor_type": entry.actor.type,
                "actor_id": entry.actor.id,
                "actor_name": entry.actor.name[:_NAME_CHARS].replace("\0", "") if entry.actor.name else None,
                "action": entry.action,
                "outcome": entry.outcome,
                "target_type": entry.target.type if entry.target else None,
                "target_id": entry.target.id if entry.target else None,
                "reason": entry.reason,
                "request_id": request_id,
                "address": entry.address,
            }
            for entry in entries
        ],
    )
