"""Hears what api says of organizations, collaborations and nodes."""

from sextant_auth.directory.service import Directory
from sextant_auth.models import inbox
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.unit_of_work import Change
from sextant_auth.users.service import Users
from sextant_shared.contract.events import MembershipChanged, NodeChanged, OrganizationChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import is_first_delivery


class ApiEvents:
    """Consumer of auth's durable queue."""

    def __init__(self, change: Change, directory: Directory, users: Users, nodes: NodeCredentials) -> None:
        self._change = change
        self._directory = directory
        self._users = users
        self._nodes = nodes

    async def on_event(self, envelope: Envelope) -> None:
        """Act upon one message, once."""
        async with self._change() as tx:
            if not await is_first_delivery(tx, inbox, envelope):
                return
            if envelope.type == OrganizationChanged.type:
                change = OrganizationChanged.opened(envelope)
                await self._directory.follow_organization(tx, change)
                if change.deleted:
                    await self._users.follow_deleted_organization(tx, change.organization_id)
            elif envelope.type == MembershipChanged.type:
                await self._directory.follow_membership(tx, MembershipChanged.opened(envelope))
            elif envelope.type == NodeChanged.type:
                await self._nodes.follow(tx, NodeChanged.opened(envelope), as_of=envelope.time)
