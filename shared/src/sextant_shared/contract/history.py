"""The history of what users are told: where an event stands in it, and how far somebody has read.

api keeps it, relay and `GET /api/event` read it. An offset is meaningless to clients; it is given to them as one text
and comes back as such.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from sextant_shared.contract.audiences import Emission, emissions
from sextant_shared.contract.messages import Envelope

NEWEST: Final = "newest"
"""In the place of an offset: from now on."""


class Offset(NamedTuple):
    """How far a reader has come; of two of the same epoch the greater has read more.

    Attributes:
        epoch: of the history; a history that was lost or restored begins a new one.
        number: of the fact up to which everything was read.
        parts: how many of the socket events of the fact after it were read too: a fact may be several.
    """

    epoch: UUID
    number: int
    parts: int = 0

    def __str__(self) -> str:
        text = f"{self.epoch.hex}.{self.number}"
        return f"{text}.{self.parts}" if self.parts else text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote.

        Raises:
            ValueError: it is no offset.
        """
        epoch, *numbers = text.split(".")
        if not 1 <= len(numbers) <= 2 or not all(  # noqa: PLR2004 - number, parts
            number.isascii() and number.isdecimal() and len(number) <= _DIGITS for number in numbers
        ):
            raise ValueError("this is no offset")
        return cls(UUID(hex=epoch), *map(int, numbers))


_DIGITS: Final = 18
"""Of the longest number, so that it fits any column."""


class Entry(BaseModel):
    """One fact in the history."""

    model_config = ConfigDict(frozen=True)

    number: int
    envelope: Envelope


class HistoryPage(BaseModel):
    """What the history holds after some offset, or the beginning of it.

    Attributes:
        epoch: of the history.
        oldest: number of the oldest fact that is kept; one more than `newest` if none is.
        newest: number of the newest fact.
        reached: how far the page goes, which may be beyond its last entry.
        entries: in their order.
    """

    model_config = ConfigDict(frozen=True)

    epoch: UUID
    oldest: int
    newest: int
    reached: int
    entries: list[Entry]

    @property
    def end(self) -> Offset:
        """How far someone has read who has read the page."""
        return Offset(self.epoch, self.reached)

    @property
    def is_last(self) -> bool:
        """Whether there was nothing more."""
        return self.reached >= self.newest

    def continues(self, offset: Offset) -> bool:
        """Tell whether nothing is missing between what was read up to `offset` and this page."""
        return offset.epoch == self.epoch and self.oldest - 1 <= offset.number <= self.newest


class Part(NamedTuple):
    """A socket event with its place in the history.

    Attributes:
        offset: of somebody who has heard it.
        emission: the event.
    """

    offset: Offset
    emission: Emission


def parts(epoch: UUID, entry: Entry) -> Iterator[Part]:
    """Say what an entry means for the sockets; nothing if this code cannot read it.

    While replicas are being replaced a newer one may have written it. It must not stand in the way of all that follow.
    """
    try:
        told = emissions(entry.envelope)
    except ValueError:
        return
    for position, emission in enumerate(told, start=1):
        is_last = position == len(told)
        offset = Offset(epoch, entry.number) if is_last else Offset(epoch, entry.number - 1, position)
        yield Part(offset, emission)


def traceable(payload: Any, event_id: UUID, offset: Offset) -> dict[str, Any]:
    """Add to a payload what lets a client find the event again, for those who asked for it."""
    return {**(payload or {}), "event_id": str(event_id), "offset": str(offset)}
