"""Keeps the evidence of a refusal, which must outlive the transaction that it ends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sextant_auth.audit.repository import Entry, write
from sextant_auth.unit_of_work import Change
from sextant_shared.contract.errors import SextantError
from sextant_shared.db import Transaction

Evidence = Callable[[Transaction], Awaitable[None]]
"""Writes what must be kept of a refusal, beside the audit entry."""

Judged = Callable[[], AbstractAsyncContextManager[None]]
"""Opens a block in which something may be refused; goes around the transaction."""


class RefusedError(Exception):
    """Something is refused, and that is worth remembering.

    Attributes:
        answer: what the caller is told.
        entry: what the audit log is told.
        evidence: what else must be kept.
    """

    def __init__(self, answer: SextantError, entry: Entry, evidence: Evidence | None = None) -> None:
        super().__init__(answer.msg)
        self.answer = answer
        self.entry = entry
        self.evidence = evidence


def judged(change: Change) -> Judged:
    """Make the blocks of one application.

    A refusal inside rolls back whatever it interrupts; then its evidence is committed, and only then it is answered.
    """

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        try:
            yield
        except RefusedError as refused:
            async with change() as tx:
                if refused.evidence is not None:
                    await refused.evidence(tx)
                await write(tx.session, refused.entry)
            raise refused.answer from None

    return block
