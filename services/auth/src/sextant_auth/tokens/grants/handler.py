"""What all grants have in common: authenticate, issue, and keep the evidence of a refusal.

A grant fills in two hooks. A refusal is an exception that carries its own evidence; the handler writes it in a
transaction of its own, after whatever the refusal rolled back, and only then answers.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sextant_auth import audit
from sextant_auth.unit_of_work import Change
from sextant_shared.contract.errors import SextantError
from sextant_shared.db import Transaction

REFRESH_URL = "/api/token/refresh"

AskedT_contra = TypeVar("AskedT_contra", contravariant=True)
ProvenT = TypeVar("ProvenT")


@dataclass(frozen=True)
class Granted:
    """The answer to a grant that succeeded."""

    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


Evidence = Callable[[Transaction], Awaitable[None]]
"""Writes what must be kept of a refusal."""


class RefusedError(Exception):
    """A grant is refused.

    Attributes:
        answer: what the caller is told.
        entry: what the audit log is told.
        evidence: what else must be kept.
    """

    def __init__(self, answer: SextantError, entry: audit.Entry, evidence: Evidence | None = None) -> None:
        super().__init__(answer.msg)
        self.answer = answer
        self.entry = entry
        self.evidence = evidence


class Grant(Protocol[AskedT_contra, ProvenT]):
    """One way to get tokens."""

    async def authenticate(self, asked: AskedT_contra, /) -> ProvenT:
        """Find out who asks.

        Raises:
            RefusedError: nobody who may.
        """
        ...

    async def issue(self, proven: ProvenT, /) -> Granted:
        """Decide, and make the tokens.

        Raises:
            RefusedError: it is not to be.
        """
        ...


class GrantHandler:
    """Runs grants.

    Args:
        change: opens the transaction in which evidence is kept.
    """

    def __init__(self, change: Change) -> None:
        self._change = change

    async def handle(self, grant: Grant[AskedT_contra, ProvenT], asked: AskedT_contra) -> Granted:
        """Run one grant.

        Raises:
            SextantError: the answer of a refusal, whose evidence is stored by now.
        """
        try:
            return await grant.issue(await grant.authenticate(asked))
        except RefusedError as refused:
            async with self._change() as tx:
                if refused.evidence is not None:
                    await refused.evidence(tx)
                await audit.write(tx.session, refused.entry)
            raise refused.answer from None
