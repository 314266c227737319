"""What this process knows of principals: asked of auth once, dropped when auth says that they changed.

A short time-to-live is the safety net while the broker is away. A token says at which version of its principal it
was issued, so a fresh login never meets an older principal.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from sextant_shared.contract.claims import Claims, ClientType, ContainerSubject
from sextant_shared.contract.errors import InvalidTokenError
from sextant_shared.contract.events import PrincipalChanged, PrincipalsChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.security.principal import Principal

TIME_TO_LIVE_SECONDS = 30.0
_CACHE_SIZE = 50_000

BROADCAST_KEYS = (f"{PrincipalChanged.type}.*", f"{PrincipalsChanged.type}.*")
"""What a process has to hear for its cache to be right at once."""


class PrincipalSource(Protocol):
    """Asks auth."""

    async def fetch(self, client_type: ClientType, principal_id: int) -> Principal | None:
        """The principal, or None if there is none of this id (any more). For containers the id is the node's.

        Raises:
            UnavailableError: auth does not answer.
        """
        ...


class PrincipalCache:
    """Principals by type and id.

    Args:
        source: asks auth.
        monotonic: seconds that only ever grow.
    """

    def __init__(self, source: PrincipalSource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._known: OrderedDict[tuple[ClientType, int], tuple[float, Principal | None]] = OrderedDict()
        self._fetching: dict[tuple[ClientType, int], asyncio.Task[Principal | None]] = {}
        self._changes = 0

    async def principal_of(self, claims: Claims) -> Principal:
        """Find who a verified token speaks for.

        Raises:
            InvalidTokenError: nobody (any more), or its tokens were revoked.
            UnavailableError: auth does not answer, and nothing recent is known.
        """
        if claims.client_type is ClientType.SERVICE:
            return Principal(client_type=ClientType.SERVICE, id=0, organization_id=0, name=str(claims.sub))
        subject = claims.sub
        principal_id = subject.node_id if isinstance(subject, ContainerSubject) else subject
        if not isinstance(principal_id, int):
            raise InvalidTokenError("The token speaks for nobody")
        principal = await self._find(claims.client_type, principal_id, at_least=claims.principal_version)
        if principal is None or not principal.active or claims.iat < principal.tokens_valid_from:
            raise InvalidTokenError("The token is no longer valid")
        if isinstance(subject, ContainerSubject):
            return _container(principal, subject)
        return principal

    async def on_event(self, envelope: Envelope) -> None:
        """Forget what an event says has changed."""
        self._changes += 1
        if envelope.type == PrincipalChanged.type:
            event = PrincipalChanged.opened(envelope)
            self._forget((event.client_type, event.principal_id))
            if event.client_type is ClientType.NODE:
                self._forget((ClientType.CONTAINER, event.principal_id))
        elif envelope.type == PrincipalsChanged.type:
            await self.forget_all()

    async def forget_all(self) -> None:
        """Forget everything: events may have been missed."""
        self._changes += 1
        self._known.clear()
        self._fetching.clear()

    def _forget(self, key: tuple[ClientType, int]) -> None:
        self._known.pop(key, None)
        # Whoever asks from now on must not get an answer that may have been given before the change.
        self._fetching.pop(key, None)

    async def _find(self, client_type: ClientType, principal_id: int, *, at_least: int) -> Principal | None:
        key = (client_type, principal_id)
        entry = self._known.get(key)
        if entry is not None:
            fetched_at, principal = entry
            fresh = self._monotonic() - fetched_at < TIME_TO_LIVE_SECONDS
            if fresh and principal is not None and principal.version >= at_least:
                return principal
        principal = await self._fetch(key)
        if principal is not None and principal.version < at_least:
            # The question was somebody else's, on its way since before the token was issued.
            principal = await self._fetch(key)
        return principal

    async def _fetch(self, key: tuple[ClientType, int]) -> Principal | None:
        """Ask auth, one question at a time for each principal."""
        changes_before = self._changes
        task = self._fetching.get(key)
        if task is None:
            task = asyncio.create_task(self._source.fetch(*key))
            self._fetching[key] = task
            task.add_done_callback(lambda done: self._fetched(key, done))
        principal = await asyncio.shield(task)
        if self._changes == changes_before:
            # An answer that was on its way while something changed may be the old one: use it, do not keep it.
            self._known[key] = (self._monotonic(), principal)
        if len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return principal

    def _fetched(self, key: tuple[ClientType, int], task: asyncio.Task[Principal | None]) -> None:
        if self._fetching.get(key) is task:
            del self._fetching[key]


def _container(principal: Principal, subject: ContainerSubject) -> Principal:
    return principal.model_copy(
        update={
            "id": subject.task_id,
            "organization_id": subject.organization_id,
            "collaboration_id": subject.collaboration_id,
            "node_id": subject.node_id,
            "study_id": subject.study_id,
            "store_id": subject.store_id,
            "image": subject.image,
            "databases": subject.databases,
        }
    )
