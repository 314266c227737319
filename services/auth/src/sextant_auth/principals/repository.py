"""Finds principals in auth's own database; implements `PrincipalSource` without HTTP."""

from collections.abc import Iterable

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_auth.catalogue import CONTAINER_ROLE, NODE_ROLE
from sextant_auth.models import role_rules, roles, rules, user_roles, user_rules, users
from sextant_auth.nodes import repository as nodes
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
        async with self._db.read() as session:
            if client_type is ClientType.USER:
                return await _user(session, principal_id)
            if client_type in _ROLE_OF:
                return await _node(session, client_type, principal_id)
        return None


async def _user(session: AsyncSession, user_id: int) -> Principal | None:
    row = (
        await session.execute(
            select(users.c.username, users.c.organization_id, users.c.version, users.c.tokens_valid_from).where(
                users.c.id == user_id
            )
        )
    ).first()
    if row is None:
        return None
    by_role = (
        select(role_rules.c.rule_id)
        .join(user_roles, user_roles.c.role_id == role_rules.c.role_id)
        .where(user_roles.c.user_id == user_id)
    )
    own = select(user_rules.c.rule_id).where(user_rules.c.user_id == user_id)
    held = await session.execute(_RULES.where(rules.c.id.in_(union(by_role, own))))
    return Principal(
        client_type=ClientType.USER,
        id=user_id,
        organization_id=row.organization_id,
        name=row.username,
        rules=_written(held),
        version=row.version,
        tokens_valid_from=row.tokens_valid_from,
    )


async def _node(session: AsyncSession, client_type: ClientType, node_id: int) -> Principal | None:
    node = await nodes.find(session, node_id)
    if node is None:
        return None
    held = await session.execute(
        _RULES.join(role_rules, role_rules.c.rule_id == rules.c.id)
        .join(roles, roles.c.id == role_rules.c.role_id)
        .where(roles.c.is_default_role, roles.c.name == _ROLE_OF[client_type])
    )
    return Principal(
        client_type=client_type,
        id=node.id,
        organization_id=node.organization_id,
        name=node.name,
        rules=_written(held),
        collaboration_id=node.collaboration_id,
        node_id=node.id,
        version=node.version,
        tokens_valid_from=node.tokens_valid_from,
    )


_RULES = select(rules.c.name, rules.c.scope, rules.c.operation)


def _written(held: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    return frozenset(":".join(rule) for rule in held)
