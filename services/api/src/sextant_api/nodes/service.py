"""Decides about nodes: what may be made, changed, moved and deleted, and what is told of it.

Opens no transaction and commits none. A node's key belongs to auth: it is asked for inside the transaction that makes
or deletes the node, so that there is never the one without the other.
"""

from collections.abc import Sequence
from typing import Any

from sextant_api import policy as scopes
from sextant_api.collaborations import policy as collaboration_policy
from sextant_api.collaborations import repository as collaborations
from sextant_api.collaborations.errors import UnknownCollaborationError
from sextant_api.fields import NAME_LENGTH
from sextant_api.nodes import credentials, policy, repository
from sextant_api.nodes.errors import UnknownNodeError
from sextant_api.nodes.policy import Standing
from sextant_api.nodes.schemas import NewNode, NodeChanges
from sextant_api.organizations.errors import UnknownOrganizationError
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.contract.events import NodeAddressChanged, NodeChanged, NodeOffline
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.contract.statuses import Presence
from sextant_shared.db import Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.http.peers import Peer
from sextant_shared.security import Principal


def _changed(row: Row[Any], *, deleted: bool = False) -> NodeChanged:
    return NodeChanged(
        node_id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        collaboration_id=row.collaboration_id,
        deleted=deleted,
    )


async def read(session: Session, caller: Principal, node_id: int) -> Row[Any]:
    """One node.

    Raises:
        UnknownNodeError: there is none of this id.
        PermissionDeniedError: the caller may not see it.
    """
    scope = scopes.reach(caller, Resource.NODE, Operation.VIEW)
    found = await repository.find_with_view(session, node_id, repository.visible_within(scope, caller.organization_id))
    if found is None:
        raise UnknownNodeError
    row, is_visible = found
    if not is_visible:
        raise scopes.denied()
    return row


async def listed(
    session: Session, caller: Principal, filters: repository.Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of those that the caller sees, and how many there are.

    Raises:
        PermissionDeniedError: the caller sees none at all, or may not ask by this organization, collaboration or study.
    """
    scope = scopes.reach(caller, Resource.NODE, Operation.VIEW)
    if scope is None or not await _may_filter(session, caller, scope, filters):
        raise scopes.denied()
    return await repository.listed(session, repository.visible_within(scope, caller.organization_id), filters, page)


async def _may_filter(session: Session, caller: Principal, scope: Scope, filters: repository.Filters) -> bool:
    own = caller.organization_id
    foreign = filters.organization_id not in (None, own)
    if scope is Scope.GLOBAL or not (foreign or filters.collaboration_id or filters.study_id):
        return True
    return scope is Scope.COLLABORATION and await repository.all_shared_with(session, own, filters)


async def create(tx: Transaction, auth: Peer, caller: Principal, new: NewNode) -> tuple[Row[Any], str]:
    """Make a node.

    Returns:
        The node, and its API key, which nobody will be shown again.

    Raises:
        NotFoundError: there is no such collaboration or organization.
        PermissionDeniedError: the caller may not.
        BadRequestError: the organization is no member, has a node there already, or the name is taken.
        UnavailableError: auth does not answer.
    """
    organization_id = new.organization_id or caller.organization_id
    place = await repository.place(tx.session, new.collaboration_id, organization_id, caller.organization_id)
    if place.collaboration_name is None:
        raise UnknownCollaborationError
    if place.organization_name is None:
        raise UnknownOrganizationError
    if not policy.may_create(
        caller, organization_id, in_collaboration=place.caller_is_member, is_partner=place.is_partner
    ):
        raise scopes.denied()
    if not place.is_member:
        raise BadRequestError("The organization is not a member of this collaboration")
    name = new.name or f"{place.organization_name} - {place.collaboration_name} Node"[:NAME_LENGTH]
    row = await repository.add(
        tx.session, name=name, organization_id=organization_id, collaboration_id=new.collaboration_id
    )
    api_key = await credentials.issue(
        auth, node_id=row.id, organization_id=organization_id, collaboration_id=new.collaboration_id, name=name
    )
    tx.record(_changed(row))
    return row, api_key


async def change(tx: Transaction, caller: Principal, node_id: int, changes: NodeChanges) -> Row[Any]:
    """Change a node's name or address.

    Raises:
        UnknownNodeError: there is none of this id.
        PermissionDeniedError: the caller may not change it.
        BadRequestError: the name is taken, or it is to get another organization or collaboration.
    """
    before, standing = await _find(tx.session, caller, node_id)
    if not policy.may_edit(caller, node_id, standing):
        raise scopes.denied()
    if changes.model_fields_set & {"organization_id", "collaboration_id"}:
        raise BadRequestError("A node's organization and collaboration cannot be changed here")
    values: dict[str, Any] = {"ip": None} if changes.clear_ip else {}
    values |= changes.model_dump(exclude_unset=True, include={"name", "ip"})
    if not values:
        return before
    row = await repository.change(tx.session, node_id, values)
    if row.name != before.name:
        tx.record(_changed(row))
    if row.ip != before.ip:
        tx.record(NodeAddressChanged(node_id=row.id, collaboration_id=row.collaboration_id, ip=row.ip))
    return row


async def delete(tx: Transaction, auth: Peer, caller: Principal, node_id: int) -> None:
    """Delete a node; its key stops working.

    Raises:
        UnknownNodeError: there is none of this id.
        PermissionDeniedError: the caller may not delete it.
        UnavailableError: auth does not answer.
    """
    row, standing = await _find(tx.session, caller, node_id)
    if not policy.may_delete(caller, standing):
        raise scopes.denied()
    await repository.remove(tx.session, node_id)
    if row.status == Presence.ONLINE and row.collaboration_id is not None:
        tx.record(
            NodeOffline(
                node_id=row.id,
                name=row.name,
                organization_id=row.organization_id,
                collaboration_id=row.collaboration_id,
            )
        )
    tx.record(_changed(row, deleted=True))
    await credentials.withdraw(auth, node_id)


async def move_in(tx: Transaction, caller: Principal, collaboration_id: int, node_id: int) -> Sequence[Row[Any]]:
    """Move a node into a collaboration that its organization is a member of.

    Returns:
        All nodes of the collaboration.

    Raises:
        NotFoundError: there is no such collaboration or node.
        PermissionDeniedError: the caller may not change the collaboration, or the one in which the node is.
        BadRequestError: the node is there already, or its organization is no member or has another node there.
    """
    await _editable_collaboration(tx.session, caller, collaboration_id)
    await collaborations.hold_members(tx.session, collaboration_id)
    row, standing = await _find(tx.session, caller, node_id)
    if row.collaboration_id == collaboration_id:
        raise BadRequestError("The node is in this collaboration already")
    if not await repository.is_member(tx.session, collaboration_id, row.organization_id):
        raise BadRequestError("The node's organization is not a member of this collaboration")
    if row.collaboration_id is not None and not collaboration_policy.may_edit(
        caller, is_member=standing.in_collaboration
    ):
        raise scopes.denied()
    row = await repository.change(tx.session, node_id, {"collaboration_id": collaboration_id})
    tx.record(_changed(row))
    return await repository.in_collaboration(tx.session, collaboration_id)


async def move_out(tx: Transaction, caller: Principal, collaboration_id: int, node_id: int) -> None:
    """Take a node out of a collaboration; it keeps its key and waits for another.

    Raises:
        NotFoundError: there is no such collaboration or node.
        PermissionDeniedError: the caller may not change the collaboration.
        BadRequestError: the node is not in it.
    """
    await _editable_collaboration(tx.session, caller, collaboration_id)
    row, _ = await _find(tx.session, caller, node_id)
    if row.collaboration_id != collaboration_id:
        raise BadRequestError("The node is not in this collaboration")
    tx.record(_changed(await repository.change(tx.session, node_id, {"collaboration_id": None})))


async def _find(session: Session, caller: Principal, node_id: int) -> tuple[Row[Any], Standing]:
    found = await repository.find_with_standing(session, node_id, caller.organization_id)
    if found is None:
        raise UnknownNodeError
    return found


async def _editable_collaboration(session: Session, caller: Principal, collaboration_id: int) -> None:
    found = await collaborations.find_with_membership(session, collaboration_id, caller.organization_id)
    if found is None:
        raise UnknownCollaborationError
    _, is_member = found
    if not collaboration_policy.may_edit(caller, is_member=is_member):
        raise scopes.denied()
