"""Gives nodes their keys, takes them away, and follows what api says of nodes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Target
from sextant_auth.credentials.api_keys import ApiKeys
from sextant_auth.nodes import repository
from sextant_auth.tokens import repository as families
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.events import NodeChanged, NodeSeen, PrincipalChanged
from sextant_shared.db import Transaction

_SEEN_AGAIN_AFTER: Final = timedelta(minutes=1)
"""A node that comes back more often than this is told of once."""


@dataclass(frozen=True)
class NodeProfile:
    """What a credential is made for."""

    node_id: int
    organization_id: int
    collaboration_id: int | None
    name: str


class NodeCredentials:
    """The life of node credentials.

    Args:
        keys: makes keys and what they are found by.
        clock: says from when older tokens are refused.
    """

    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def set_key(self, tx: Transaction, profile: NodeProfile, *, actor: Actor) -> str:
        """Make a key for a node, instead of the one it may have had; everything that rests on that ends."""
        now = self._clock.now()
        key = self._keys.new()
        version = await repository.set_key(
            tx.session,
            node_id=profile.node_id,
            organization_id=profile.organization_id,
            collaboration_id=profile.collaboration_id,
            name=profile.name,
            fingerprint=self._keys.fingerprint(key),
            now=now,
        )
        await families.revoke_all(tx.session, ClientType.NODE, profile.node_id, reason="new_key", now=now)
        await audit.write(tx.session, audit.Entry(actor, Action.NODE_KEY_SET, target=Target("node", profile.node_id)))
        _tell(tx, profile.node_id, version)
        return key

    async def replace_key(self, tx: Transaction, node_id: int, *, actor: Actor, address: str | None) -> str | None:
        """Make a new key for a node that has one; everything that rests on the old one ends. None without a node."""
        now = self._clock.now()
        key = self._keys.new()
        version = await repository.replace_key(tx.session, node_id, fingerprint=self._keys.fingerprint(key), now=now)
        if version is None:
            return None
        await families.revoke_all(tx.session, ClientType.NODE, node_id, reason="new_key", now=now)
        target = Target("node", node_id)
        await audit.write(tx.session, audit.Entry(actor, Action.NODE_KEY_SET, target=target, address=address))
        _tell(tx, node_id, version)
        return key

    async def remove(self, tx: Transaction, node_id: int, *, actor: Actor) -> None:
        """Take a node's key and logins away; nothing happens if it has none."""
        version = await repository.remove(tx.session, node_id)
        if version is None:
            return
        await families.revoke_all(tx.session, ClientType.NODE, node_id, reason="deleted", now=self._clock.now())
        await audit.write(tx.session, audit.Entry(actor, Action.NODE_KEY_REMOVED, target=Target("node", node_id)))
        _tell(tx, node_id, version + 1)

    async def note_seen(self, tx: Transaction, node: repository.NodeAccount) -> None:
        """Let api know, sooner or later, that a node was here; a crowd of logins of one node is told once."""
        now = self._clock.now()
        since = now - _SEEN_AGAIN_AFTER
        if node.seen_told_at is not None and node.seen_told_at >= since:
            return
        if await repository.note_told_seen(tx.session, node.id, now=now, unless_since=since):
            tx.record(NodeSeen(node_id=node.id))

    async def follow(self, tx: Transaction, change: NodeChanged, *, as_of: datetime) -> None:
        """Take over what api says of a node."""
        if change.deleted:
            await self.remove(tx, change.node_id, actor=Actor(ClientType.SERVICE, name="api"))
            return
        version = await repository.change_profile(
            tx.session,
            node_id=change.node_id,
            organization_id=change.organization_id,
            collaboration_id=change.collaboration_id,
            name=change.name,
            as_of=as_of,
        )
        if version is not None:
            _tell(tx, change.node_id, version)


def _tell(tx: Transaction, node_id: int, version: int) -> None:
    tx.record(PrincipalChanged(client_type=ClientType.NODE, principal_id=node_id, principal_version=version))
