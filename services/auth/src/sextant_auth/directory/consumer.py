"""Hears what api says of organizations, collaborations and nodes."""

from sextant_auth.directory.service import Directory
from sextant_auth.models import inbox
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.unit_of_work import Change
from sextant_shared.contract.events import MembershipChanged, NodeChanged, OrganizationChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import is_first_delivery


class ApiEvents:
    """Consumer of auth's durable queue."""

    def __init__(self, change: Change, directory: Directory, nodes: NodeCredentials) -> None:
        self._change = change
        self._directory = directory
        self._nodes = nodes

    async def on_event(self, envelope: Envelope) -> None:
        """Act upon one message, once."""
        async with self._change() as tx:
            if not await is_first_delivery(tx, inbox, envelope):
                return
            if envelope.type == OrganizationChanged.type:
                await self._directory.follow_organization(tx, OrganizationChanged.opened(envelope))
            elif envelope.type == MembershipChanged.type:
                await self._directory.follow_membership(tx, MembershipChanged.opened(envelope))
            elif envelope.type == NodeChanged.type:
                await self._nodes.follow(tx, NodeChanged.opened(envelope), as_of=envelope.time)
