"""Decides who is online, and tells it when it changes.

Opens no transaction and commits none.
"""

from collections.abc import Mapping

from sextant_api.presence import repository
from sextant_api.presence.repository import leases
from sextant_shared.contract.events import NodeOffline, NodeOnline, NodeSyncRequested
from sextant_shared.db import Transaction


async def keep_alive(tx: Transaction, live: Mapping[str, int], *, lease_seconds: float) -> None:
    """Extend the leases of connections, and tell of the nodes that come online by it.

    Args:
        tx: the unit of work.
        live: connections, each with its node; nodes that are no more are ignored.
        lease_seconds: how long the connections count from now.
    """
    known = set(await leases.lock_owners(tx.session, set(live.values())))
    live = {connection_id: node_id for connection_id, node_id in live.items() if node_id in known}
    if not live:
        return
    alive = await leases.extend(tx.session, live, lease_seconds=lease_seconds)
    await repository.note_seen(tx.session, alive)
    for node in await leases.set_online(tx.session, alive):
        if node.collaboration_id is not None:
            tx.record(
                NodeOnline(
                    node_id=node.id,
                    name=node.name,
                    organization_id=node.organization_id,
                    collaboration_id=node.collaboration_id,
                )
            )


async def open_connection(tx: Transaction, connection_id: str, node_id: int, *, lease_seconds: float) -> None:
    """A node's connection came up, and relay has told it to look for work."""
    await keep_alive(tx, {connection_id: node_id}, lease_seconds=lease_seconds)
    await repository.note_told_to_look(tx.session, node_id)


async def close_connection(tx: Transaction, connection_id: str, node_id: int, *, grace_seconds: float) -> None:
    """A connection is gone.

    Whether its node is offline by that, the sweep decides once the grace is over: a node that reconnects within it
    never shows as offline.
    """
    await leases.close(tx.session, connection_id, node_id, grace_seconds=grace_seconds)


async def settle(tx: Transaction) -> int:
    """Set nodes without a live connection offline, and tell it; returns how many there were."""
    lapsed = await leases.set_lapsed_offline(tx.session)
    await repository.forget_configs(tx.session, [node.id for node in lapsed])
    for node in lapsed:
        if node.collaboration_id is not None:
            tx.record(
                NodeOffline(
                    node_id=node.id,
                    name=node.name,
                    organization_id=node.organization_id,
                    collaboration_id=node.collaboration_id,
                )
            )
    return len(lapsed)


async def request_syncs(tx: Transaction, *, pending_seconds: float, repeat_seconds: float) -> int:
    """Ask online nodes that seem not to know of their work to look for it; returns how many there were."""
    asked = await repository.note_idle_with_work(
        tx.session, pending_seconds=pending_seconds, repeat_seconds=repeat_seconds
    )
    for node in asked:
        tx.record(NodeSyncRequested(node_id=node.id, collaboration_id=node.collaboration_id))
    return len(asked)
