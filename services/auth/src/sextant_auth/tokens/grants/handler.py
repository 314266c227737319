"""What all grants have in common: authenticate, issue, and keep the evidence of a refusal.

A grant fills in two hooks; no grant can forget a step, because the handler owns them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sextant_auth.audit import Judged

REFRESH_URL = "/api/token/refresh"
TOKEN_HEADER = "jwt-token"  # noqa: S105 - the name of a header
"""Holds the access token of a login again, for programs that look there."""

AskedT_contra = TypeVar("AskedT_contra", contravariant=True)
ProvenT = TypeVar("ProvenT")


@dataclass(frozen=True)
class Granted:
    """The answer to a grant that succeeded."""

    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


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
        judged: keeps the evidence of refusals.
    """

    def __init__(self, judged: Judged) -> None:
        self._judged = judged

    async def handle(self, grant: Grant[AskedT_contra, ProvenT], asked: AskedT_contra) -> Granted:
        """Run one grant.

        Raises:
            SextantError: the answer of a refusal, whose evidence is stored by now.
        """
        async with self._judged():
            granted = await grant.issue(await grant.authenticate(asked))
        return granted  # noqa: RET504 - as far as types tell, the block might swallow an exception
