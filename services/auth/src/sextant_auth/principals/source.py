"""Finds principals in auth's own database; implements `PrincipalSource` without HTTP."""

from sextant_auth.catalogue import CONTAINER_ROLE, NODE_ROLE
from sextant_auth.nodes import repository as nodes
from sextant_auth.rules import repository as rules
from sextant_auth.users import repository as users
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Database
from sextant_shared.security import Principal

_ROLE_OF = {ClientType.NODE: NODE_ROLE, ClientType.CONTAINER: CONTAINER_ROLE}


class LocalPrincipalSource:
    """Answers from the database.

    Args:
        db: auth's.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def fetch(self, client_type: ClientType, principal_id: int) -> Principal | None:
        """Find a user, a node, or what a container of a node may do."""
        if client_type is ClientType.USER:
            return await self._user(principal_id)
        if client_type in _ROLE_OF:
            return await self._node(client_type, principal_id)
        return None

    async def _user(self, user_id: int) -> Principal | None:
        async with self._db.read() as session:
            row = await users.find_identity(session, user_id)
            if row is None:
                return None
            held = await rules.texts_of_user(session, user_id)
        return Principal(
            client_type=ClientType.USER,
            id=user_id,
            organization_id=row.organization_id,
            name=row.username,
            rules=held,
            version=row.version,
            tokens_valid_from=row.tokens_valid_from,
        )

    async def _node(self, client_type: ClientType, node_id: int) -> Principal | None:
        async with self._db.read() as session:
            node = await nodes.find(session, node_id)
            if node is None:
                return None
            held = await rules.texts_of_default_role(session, _ROLE_OF[client_type])
        return Principal(
            client_type=client_type,
            id=node.id,
            organization_id=node.organization_id,
            name=node.name,
            rules=held,
            collaboration_id=node.collaboration_id,
            node_id=node.id,
            version=node.version,
            tokens_valid_from=node.tokens_valid_from,
        )
