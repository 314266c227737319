"""How the history looks on the wire, for the documents."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from sextant_shared.http.documentation import NUMBER, TEXT, Document, Id, Time, filters, told

MOST = 500
USUAL = 100
LONGEST_SECONDS = 20

FILTERS = filters(
    since=told(
        TEXT,
        "The `offset` up to which everything is known; `newest` for the end of the history. Without it the answer "
        "begins with the oldest event that is kept",
    ),
    collaboration_id=NUMBER,
    per_page={
        "schema": {"type": "integer", "minimum": 1, "default": USUAL},
        "description": f"How many events at most; never more than {MOST}",
    },
    wait={
        "schema": {"type": "integer", "minimum": 0, "default": 0},
        "description": f"How many seconds to wait for an event if there is none; never more than {LONGEST_SECONDS}",
    },
)

_OFFSET = "0f8fad5bd9cb469fa16570867728950e.7"


class EventPayload(Document):
    """What the event says: as on the socket, see `docs/events.md`."""

    model_config = ConfigDict(extra="allow")


class Event(Document):
    """One event, as a socket would have heard it."""

    id: Annotated[UUID, Field(description="Of the fact; several events may tell the same one")]
    offset: Annotated[str, Field(description="Of somebody who knows this event", examples=[_OFFSET])]
    event: Annotated[str, Field(examples=["new_task"])]
    payload: EventPayload | None
    time: Time
    collaboration_id: Id | None


class EventLinks(Document):
    """`next` is absent where there is nothing more yet."""

    self: Annotated[str, Field(examples=["/api/event?since=newest"])]
    next: Annotated[str, Field(examples=[f"/api/event?since={_OFFSET}"])] = ""


class Events(Document):
    """A part of the history."""

    data: list[Event]
    links: EventLinks
    offset: Annotated[str, Field(description="How far this goes: the next `since`", examples=[_OFFSET])]
