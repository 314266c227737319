"""What the broker brings: tells the sockets, and looks again at those whose rights or memberships it concerns."""

from typing import Final

import structlog

from sextant_relay.hub import Hub
from sextant_relay.memberships import Memberships
from sextant_relay.telemetry import GAPS
from sextant_shared.contract.audiences import depends_on_collaborations, emissions
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.events import MembershipChanged, NodeChanged, PrincipalChanged, PrincipalsChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.security import Principal, PrincipalCache

_log = structlog.get_logger(__name__)

ALWAYS_HEARD: Final = tuple(
    f"{content.type}.*" for content in (PrincipalChanged, PrincipalsChanged, MembershipChanged, NodeChanged)
)
"""Keys of the events that decide who may hear what, of whatever collaboration."""


class Listener:
    """Handles a broadcast.

    Args:
        hub: the connections.
        principals: dropped when they change.
        memberships: dropped when they change.
    """

    def __init__(self, hub: Hub, principals: PrincipalCache, memberships: Memberships) -> None:
        self._hub = hub
        self._principals = principals
        self._memberships = memberships

    async def on_event(self, envelope: Envelope) -> None:
        """Act upon one event. Nothing here waits for anybody, so events keep their order."""
        for emission in emissions(envelope):
            self._hub.emit(emission)
        match envelope.type:
            case PrincipalChanged.type:
                await self._principals.on_event(envelope)
                changed = PrincipalChanged.opened(envelope)
                self._hub.review_principal(changed.client_type, changed.principal_id)
            case PrincipalsChanged.type:
                await self._principals.on_event(envelope)
                self._hub.review_where(lambda principal: principal.is_user)
            case MembershipChanged.type:
                self._membership_changed(MembershipChanged.opened(envelope))
            case NodeChanged.type:
                node = NodeChanged.opened(envelope)
                if node.deleted:
                    self._hub.turn_node_away(node.node_id)
                else:
                    self._hub.review_principal(ClientType.NODE, node.node_id)

    async def on_gap(self) -> None:
        """Events may have been missed: look again at everybody, and let nodes look for work."""
        GAPS.inc()
        _log.warning("events_missed")
        await self._principals.forget_all()
        self._memberships.forget_answers()
        self._hub.review_where(lambda _principal: True)
        self._hub.reannounce()

    def _membership_changed(self, change: MembershipChanged) -> None:
        self._memberships.note(change)

        def is_concerned(principal: Principal) -> bool:
            if principal.is_node:
                return principal.collaboration_id == change.collaboration_id
            # whoever is no longer among the organizations may have been before
            return depends_on_collaborations(principal.rights)

        self._hub.review_where(is_concerned)
