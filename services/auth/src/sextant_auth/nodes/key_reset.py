"""A user gives a node another API key."""

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError, Target
from sextant_auth.directory.service import Directory
from sextant_auth.nodes import repository
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.policy import denied, reach
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Database, Transaction
from sextant_shared.security import Principal


def _unknown_node() -> NotFoundError:
    return NotFoundError("There is no such node")


class NodeKeys:
    """New keys for old nodes.

    Args:
        db: for what is looked up before a transaction.
        directory: who takes part in which collaboration.
        credentials: makes the keys.
    """

    def __init__(self, db: Database, directory: Directory, credentials: NodeCredentials) -> None:
        self._db = db
        self._directory = directory
        self._credentials = credentials

    async def admit(self, caller: Principal, node_id: int, *, address: str | None) -> None:
        """Decide whether the caller may.

        Raises:
            NotFoundError: there is none of this id.
            RefusedError: the caller may not.
            UnavailableError: that depends on collaborations, and api does not answer.
        """
        async with self._db.read() as session:
            node = await repository.find(session, node_id)
        if node is None:
            raise _unknown_node()
        if not await self._may_edit(caller, node):
            entry = audit.Entry(
                Actor.of(caller),
                Action.NODE_KEY_SET,
                Outcome.REFUSED,
                target=Target("node", node_id),
                reason="not_permitted",
                address=address,
            )
            raise RefusedError(denied(), entry)

    async def replace(self, tx: Transaction, caller: Principal, node_id: int, *, address: str | None) -> str:
        """Make the new key, as `admit` allowed.

        Raises:
            NotFoundError: the node is gone.
        """
        key = await self._credentials.replace_key(tx, node_id, actor=Actor.of(caller), address=address)
        if key is None:
            raise _unknown_node()
        return key

    async def _may_edit(self, caller: Principal, node: repository.NodeAccount) -> bool:
        scope = reach(caller, Resource.NODE, Operation.EDIT)
        if scope is None or scope is Scope.GLOBAL:
            return scope is Scope.GLOBAL
        if node.organization_id == caller.organization_id:
            return True
        # to share another collaboration with the node's organization gives no say over this node
        return (
            scope is Scope.COLLABORATION
            and node.collaboration_id is not None
            and await self._directory.takes_part(caller.organization_id, node.collaboration_id)
        )
