"""Says what is to be done about signing keys next. Pure: the time is given.

A key is *pending* (published, silent), then *active* (signs), then *passive* (verifies what it signed), then
*retired* (no longer published). At most one is pending, at most one active.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class KeyState(StrEnum):
    """Where a key is in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    PASSIVE = "passive"
    RETIRED = "retired"


PUBLISHED = (KeyState.PENDING, KeyState.ACTIVE, KeyState.PASSIVE)
"""What verifiers should know."""


@dataclass(frozen=True)
class KeyLife:
    """What the rotation needs to know of a key."""

    kid: str
    state: KeyState
    created_at: datetime
    activated_at: datetime | None = None
    demoted_at: datetime | None = None


@dataclass(frozen=True)
class RotationPolicy:
    """How long each part of a key's life takes.

    Attributes:
        rotate_after: age at which the active key is replaced.
        publish_for: how long a key is published before it signs; longer than any verifier keeps an old set.
        verify_for: how long a replaced key is needed; the longest life of a token.
    """

    rotate_after: timedelta
    publish_for: timedelta
    verify_for: timedelta


@dataclass(frozen=True)
class CreateActive:
    """There is no key at all: make one that signs at once. Nobody can have verified anything yet."""


@dataclass(frozen=True)
class CreatePending:
    """The active key will soon be old: publish its successor."""


@dataclass(frozen=True)
class Promote:
    """The successor is known everywhere: let it sign, and forget the private half of the old one."""

    pending: str
    active: str | None


@dataclass(frozen=True)
class Retire:
    """Nothing that this key signed is valid any more."""

    kid: str


Step = CreateActive | CreatePending | Promote | Retire


def next_step(keys: Collection[KeyLife], policy: RotationPolicy, now: datetime) -> Step | None:
    """Decide; None when all is well. To be asked again after each step."""
    active = next((key for key in keys if key.state is KeyState.ACTIVE), None)
    pending = next((key for key in keys if key.state is KeyState.PENDING), None)
    if active is None and pending is None:
        return CreateActive()
    due = active is None or now - (active.activated_at or active.created_at) >= policy.rotate_after
    if pending is not None and due and (active is None or now - pending.created_at >= policy.publish_for):
        return Promote(pending=pending.kid, active=active.kid if active else None)
    if pending is None and active is not None:
        announced = (active.activated_at or active.created_at) + policy.rotate_after - policy.publish_for
        if now >= announced:
            return CreatePending()
    for key in keys:
        if key.state is KeyState.PASSIVE and key.demoted_at is not None and now - key.demoted_at >= policy.verify_for:
            return Retire(key.kid)
    return None
