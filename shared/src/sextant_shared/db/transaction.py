"""The unit of work: what is written in it and what is told about it become true together, or not at all."""

from collections.abc import Sequence

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from sextant_shared.clock import Clock
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.ids import new_id


class Transaction:
    """A session that will be committed by whoever opened it, and the events recorded with it.

    Only the edge (a route, a consumer, a periodic task) opens one; services `flush()` for ids and never commit.
    """

    def __init__(self, session: AsyncSession, *, outbox: Table | None, source: str, clock: Clock) -> None:
        self.session = session
        self._outbox = outbox
        self._source = source
        self._clock = clock
        self._recorded: list[Envelope] = []

    def record(self, content: Content) -> None:
        """Tell `content` as a fact once the transaction is committed."""
        request_id = get_contextvars().get("request_id")
        self._recorded.append(
            content.enclosed(message_id=new_id(), source=self._source, time=self._clock.now(), request_id=request_id)
        )

    @property
    def recorded(self) -> Sequence[Envelope]:
        """The facts so far."""
        return tuple(self._recorded)

    async def write_outbox(self) -> None:
        """Put the facts beside the state they speak of, in one statement. Called by `Database` before it commits."""
        if not self._recorded:
            return
        if self._outbox is None:
            raise RuntimeError(f"{self._source} has no outbox, but recorded {self._recorded[0].type}")
        await self.session.execute(
            self._outbox.insert(),
            [{"event_id": envelope.id, "envelope": envelope.model_dump(mode="json")} for envelope in self._recorded],
        )
