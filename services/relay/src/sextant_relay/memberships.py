"""Which organizations work together: asked of api, corrected by its events.

Decides which collaborations a user may hear and whether a node has been put out of its own.
"""

import asyncio
import time
from collections import OrderedDict

from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.events import MembershipChanged
from sextant_shared.http.peers import Peer

TIME_TO_LIVE_SECONDS = 30.0
"""The safety net while the broker is away."""
_KEPT_CHANGES = 10_000


class Memberships:
    """What this replica knows of memberships.

    Args:
        api: who owns them.
    """

    def __init__(self, api: Peer) -> None:
        self._api = api
        self._known: dict[int, tuple[float, frozenset[int]]] = {}
        self._asking: dict[int, asyncio.Task[frozenset[int]]] = {}
        self._changed: OrderedDict[int, MembershipChanged] = OrderedDict()

    async def collaborations_of(self, organization_id: int) -> frozenset[int]:
        """List the collaborations that an organization takes part in.

        Raises:
            UnavailableError: api does not answer.
        """
        known = self._known.get(organization_id)
        if known is not None and time.monotonic() - known[0] < TIME_TO_LIVE_SECONDS:
            return known[1]
        task = self._asking.get(organization_id)
        if task is None:
            task = asyncio.create_task(self._ask(organization_id))
            self._asking[organization_id] = task
            task.add_done_callback(lambda done: self._answered(organization_id, done))
        return await asyncio.shield(task)

    async def is_member(self, organization_id: int, collaboration_id: int) -> bool:
        """Tell whether an organization takes part: yes, unless a change said otherwise and api confirms it.

        Asking for every node that connects would double what a fleet costs that comes back at once.

        Raises:
            UnavailableError: api does not answer.
        """
        change = self._changed.get(collaboration_id)
        if change is None or (not change.deleted and organization_id in change.organization_ids):
            return True
        return collaboration_id in await self.collaborations_of(organization_id)

    def note(self, change: MembershipChanged) -> None:
        """Take in a change, unless a newer one of the same collaboration was heard before."""
        newest = self._changed.get(change.collaboration_id)
        if newest is not None and newest.revision >= change.revision:
            return
        self._changed[change.collaboration_id] = change
        self._changed.move_to_end(change.collaboration_id)
        if len(self._changed) > _KEPT_CHANGES:
            self._changed.popitem(last=False)
        self.forget_answers()

    def forget_answers(self) -> None:
        """Ask again from now on: what was answered, or is being answered, may be older than what is known."""
        self._known.clear()
        self._asking.clear()

    async def _ask(self, organization_id: int) -> frozenset[int]:
        try:
            body = await self._api.get(f"/internal/organizations/{organization_id}")
        except NotFoundError:
            return frozenset()
        return frozenset(int(each["id"]) for each in body["collaborations"])

    def _answered(self, organization_id: int, task: asyncio.Task[frozenset[int]]) -> None:
        if self._asking.get(organization_id) is not task:
            return  # forgotten in the meantime
        del self._asking[organization_id]
        if not task.cancelled() and task.exception() is None:
            self._known[organization_id] = (time.monotonic(), task.result())
