"""The envelope in which every event and command travels, and what both have in common.

The fields follow CloudEvents 1.0 where it has a word for them (`id`, `source`, `type`, `time`).
"""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

NO_COLLABORATION = 0
"""Stands for "of no collaboration" in a routing key; ids begin at 1."""


class Envelope(BaseModel):
    """One message as it is stored, published and consumed.

    Attributes:
        id: unique; the key by which consumers notice that a message came twice.
        type: `<noun>.<verb>`, which names a class of `contract.events` or `contract.commands`.
        version: of the shape of `data`.
        source: the service that says it.
        time: when it was recorded.
        collaboration_id: whom it concerns; decides which relays receive it.
        request_id: of the HTTP request or socket message that caused it, for the logs.
        data: the fields of the event or command.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    type: str
    version: int
    source: str
    time: datetime
    collaboration_id: int | None = None
    request_id: str | None = None
    data: dict[str, Any]

    @property
    def routing_key(self) -> str:
        """`<noun>.<verb>.<collaboration>`."""
        return f"{self.type}.{self.collaboration_id or NO_COLLABORATION}"


class Content(BaseModel):
    """What an envelope carries. A subclass is one type of message; its fields are the payload.

    A change that old consumers cannot read gets a new `version`; new optional fields do not.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def of_collaboration(self) -> int | None:
        """The collaboration that the message concerns, if it concerns one."""
        collaboration_id: int | None = getattr(self, "collaboration_id", None)
        return collaboration_id

    def enclosed(self, *, message_id: UUID, source: str, time: datetime, request_id: str | None = None) -> Envelope:
        """Put the content into an envelope."""
        return Envelope(
            id=message_id,
            type=self.type,
            version=self.version,
            source=source,
            time=time,
            collaboration_id=self.of_collaboration,
            request_id=request_id,
            data=self.model_dump(mode="json"),
        )

    @classmethod
    def opened(cls, envelope: Envelope) -> Self:
        """Read the content of an envelope of this type.

        Raises:
            ValueError: the envelope carries something else, or a version that this code cannot read.
        """
        if envelope.type != cls.type or envelope.version != cls.version:
            raise ValueError(f"{cls.type} v{cls.version} expected, got {envelope.type} v{envelope.version}")
        return cls.model_validate(envelope.data)
