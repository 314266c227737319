"""Reads the history for one user: the same events, by the same rights, as its socket hears.

Knows no HTTP; what is sent is made in `routes`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sextant_api.history.errors import HistoryGapError
from sextant_api.history.service import History
from sextant_shared.contract.audiences import depends_on_collaborations, rooms_of_user
from sextant_shared.contract.errors import PermissionDeniedError
from sextant_shared.contract.history import Entry, HistoryPage, Offset, Part, parts
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.contract.rooms import Room
from sextant_shared.security import Principal

_PAGES = 5
"""How much is looked through for one answer, in pages; who hears little of it comes again."""
_SCOPES = (Scope.GLOBAL, Scope.COLLABORATION, Scope.ORGANIZATION)


class Ears(NamedTuple):
    """What a user hears.

    Attributes:
        rooms: in which it sits.
        collaborations: to which that amounts; None for all.
    """

    rooms: frozenset[Room]
    collaborations: frozenset[int] | None

    @classmethod
    def of(cls, user: Principal, memberships: Collection[int], narrowed: int | None) -> "Ears":
        """Judge what a user may hear, of one collaboration or all.

        Args:
            user: the user.
            memberships: the collaborations of its organization.
            narrowed: the one collaboration that it asks about.

        Raises:
            PermissionDeniedError: it may hear nothing, or nothing of that collaboration.
        """
        if not user.rights.allow(Resource.EVENT, Operation.RECEIVE, *_SCOPES):
            raise PermissionDeniedError("You may not receive events")
        rooms = frozenset(rooms_of_user(user.rights, user.organization_id, memberships))
        heard = frozenset(memberships) if depends_on_collaborations(user.rights) else None
        if narrowed is None:
            return cls(rooms, heard)
        if heard is not None and narrowed not in heard:
            raise PermissionDeniedError("You may not receive events of this collaboration")
        return cls(rooms, frozenset({narrowed}))


class Heard(NamedTuple):
    """One event."""

    entry: Entry
    part: Part


@dataclass
class Reading:
    """What was found.

    Attributes:
        offset: how far it goes.
        events: in their order.
        is_more: whether there is more at once.
    """

    offset: Offset
    events: list[Heard] = field(default_factory=list)
    is_more: bool = True


async def read(history: History, ears: Ears, since: Offset | None, *, limit: int) -> Reading:
    """Read what comes after an offset; None for all that is kept.

    Raises:
        HistoryGapError: something is missing in between.
        UnavailableError: the database is away.
    """
    found: Reading | None = None
    for _ in range(_PAGES):
        after = found.offset if found is not None else since
        page = await history.read(
            after=0 if after is None else after.number, limit=limit, collaborations=ears.collaborations
        )
        if found is None:
            found = Reading(Offset(page.epoch, page.oldest - 1) if after is None else after)
        if not page.continues(found.offset):
            raise HistoryGapError(Offset(page.epoch, page.newest))
        _take_in(found, page, ears, limit)
        if not found.is_more or len(found.events) == limit:
            return found
    if found is None:
        raise RuntimeError("at least one page is read")
    return found


async def end(history: History) -> Offset:
    """Find where the history ends."""
    return (await history.read(after=None, limit=1)).end


def _take_in(found: Reading, page: HistoryPage, ears: Ears, limit: int) -> None:
    for heard in _audible(page, ears, found.offset):
        if len(found.events) == limit:
            return
        found.events.append(heard)
        found.offset = heard.part.offset
    found.offset = max(found.offset, page.end)
    found.is_more = not page.is_last


def _audible(page: HistoryPage, ears: Ears, since: Offset) -> Iterator[Heard]:
    for entry in page.entries:
        for part in parts(page.epoch, entry):
            if part.offset > since and part.emission.is_for_user(ears.rooms):
                yield Heard(entry, part)
