"""Hears from api what becomes of runs and nodes, and settles the leases by it.

Needs no inbox: an end is an end however often it is told, and what is told of a node counts only if it is newer than
what is known. Of what was never asked for nothing is kept, so most messages cost a look or none at all.
"""

from sextant_shared.contract.events import (
    NodeAddressChanged,
    NodeChanged,
    NodeOffline,
    NodeOnline,
    RunStatusChanged,
)
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database
from sextant_vpn_registry.knowledge import repository
from sextant_vpn_registry.leases import repository as leases
from sextant_vpn_registry.models import Presence


class ApiEvents:
    """Consumer of vpn-registry's durable queue."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def on_event(self, envelope: Envelope) -> None:
        """Act upon one message."""
        match envelope.type:
            case RunStatusChanged.type:
                change = RunStatusChanged.opened(envelope)
                if change.status.is_final:
                    await self._end(change.run_id)
            case NodeAddressChanged.type:
                await self._follow_address(NodeAddressChanged.opened(envelope), envelope)
            case NodeOnline.type:
                await self._follow_presence(NodeOnline.opened(envelope).node_id, Presence.ONLINE, envelope)
            case NodeOffline.type:
                await self._follow_presence(NodeOffline.opened(envelope).node_id, Presence.OFFLINE, envelope)
            case NodeChanged.type:
                await self._follow_node(NodeChanged.opened(envelope))
            case _:
                raise LookupError(f"nobody handles {envelope.type}")

    async def _end(self, run_id: int) -> None:
        async with self._db.read() as session:
            run = await repository.find_run(session, run_id)
        if run is None or run.ended_at is not None:
            return
        async with self._db.transaction() as tx:
            await repository.end_run(tx.session, run_id)
            await leases.settle(tx.session, run_ids=[run_id])

    async def _follow_address(self, change: NodeAddressChanged, envelope: Envelope) -> None:
        if not await self._knows(change.node_id):
            return
        async with self._db.transaction() as tx:
            if await repository.follow_address(tx.session, change.node_id, change.ip, envelope.time):
                await leases.settle(tx.session, node_ids=[change.node_id])

    async def _follow_presence(self, node_id: int, presence: Presence, envelope: Envelope) -> None:
        if not await self._knows(node_id):
            return
        async with self._db.transaction() as tx:
            if await repository.follow_presence(tx.session, node_id, presence, envelope.time):
                await leases.settle(tx.session, node_ids=[node_id])

    async def _follow_node(self, change: NodeChanged) -> None:
        if not await self._knows(change.node_id):
            return
        async with self._db.transaction() as tx:
            await repository.take_out(
                tx.session, change.node_id, collaboration_id=None if change.deleted else change.collaboration_id
            )
            if change.deleted:
                await repository.forget_node(tx.session, change.node_id)
            await leases.settle(tx.session, node_ids=[change.node_id])

    async def _knows(self, node_id: int) -> bool:
        async with self._db.read() as session:
            return await repository.knows_node(session, node_id)
