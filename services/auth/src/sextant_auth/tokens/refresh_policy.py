"""How long one login lasts, and which refresh tokens of it are still good. Pure: the time is given.

A login starts a *family*. Each refresh token names its family and generation; using it gives the next generation
(rotation), so a token is used once, and a copy gives itself away. Three things look like a copy and are not:

* Threads of one program share a token and refresh at the same moment: within a grace, a token that was just used is
  answered with the current generation once more.
* An answer was lost, and its receiver asks again, minutes or days later, with the token it still has: as long as the
  generation that it should have got was never used, that generation is given up and another takes its place.
* Should somebody show the given-up generation after all, the answer was not lost: two parties hold the family, and it
  is revoked. So is it for any older token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

_REMEMBERED = 50
"""How many used generations a family remembers at most; a program that refreshes faster has no use for more."""


@dataclass(frozen=True)
class RefreshPolicy:
    """How patient we are.

    Attributes:
        grace: how long a used token may come again.
        idle_life: of a refresh token, hence how long its holder may stay away.
        absolute_life: how long a login may be refreshed at all; None for ever.
    """

    grace: timedelta
    idle_life: timedelta
    absolute_life: timedelta | None = None

    def expiry(self, created_at: datetime, now: datetime) -> datetime:
        """When a token given out now runs out."""
        idle = now + self.idle_life
        return idle if self.absolute_life is None else min(idle, created_at + self.absolute_life)


@dataclass(frozen=True)
class Family:
    """One login.

    Attributes:
        generation: the newest given out.
        parent: the one whose holder was given the newest.
        superseded: the last ones that were used, with the time.
        created_at: when the login was.
        rotated_at: when the newest was first given out.
        expires_at: when the newest runs out.
        revoked_at: when it was ended, if it was.
    """

    generation: int
    parent: int
    superseded: Sequence[tuple[int, datetime]]
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


def new_family(policy: RefreshPolicy, now: datetime) -> Family:
    """Begin a login; its first token has generation 0."""
    return Family(
        generation=0,
        parent=-1,
        superseded=(),
        created_at=now,
        rotated_at=now,
        expires_at=policy.expiry(now, now),
    )


class Verdict(StrEnum):
    """What to do about a refresh token that is shown."""

    ROTATE = "rotate"
    """The newest: the next generation is due."""
    REPEAT = "repeat"
    """Used a moment ago: give the newest once more, change nothing."""
    REPLACE = "replace"
    """Its answer was lost: give up the newest, which nobody used, and make another."""
    REUSED = "reused"
    """A copy: revoke the family."""
    ENDED = "ended"
    """The family was revoked or has run out."""


def judge(family: Family, presented: int, policy: RefreshPolicy, now: datetime) -> Verdict:
    """Decide about a token of generation `presented`."""
    if family.revoked_at is not None or now >= family.expires_at:
        return Verdict.ENDED
    if presented == family.generation:
        return Verdict.ROTATE
    used_at = dict(family.superseded).get(presented)
    if used_at is not None and now - used_at <= policy.grace:
        return Verdict.REPEAT
    if presented == family.parent:
        return Verdict.REPLACE
    return Verdict.REUSED


def advanced(family: Family, presented: int, policy: RefreshPolicy, now: datetime) -> Family:
    """The family after ROTATE or REPLACE."""
    recent = [(generation, at) for generation, at in family.superseded if now - at <= policy.grace]
    recent = [entry for entry in recent if entry[0] != presented][-_REMEMBERED:]
    return replace(
        family,
        generation=family.generation + 1,
        parent=presented,
        superseded=(*recent, (presented, now)),
        rotated_at=now,
        expires_at=policy.expiry(family.created_at, now),
    )
