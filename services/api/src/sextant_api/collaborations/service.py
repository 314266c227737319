"""Decides about collaborations: what may be made, changed and deleted, and what is told of it.

Opens no transaction and commits none.
"""

from collections.abc import Sequence
from typing import Any

from sextant_api import policy as scopes
from sextant_api.collaborations import members, policy, repository
from sextant_api.collaborations.errors import UnknownCollaborationError
from sextant_api.collaborations.schemas import CollaborationChanges, NewCollaboration
from sextant_api.kills.service import kill_all
from sextant_api.organizations.errors import UnknownOrganizationError
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.events import MembershipChanged, NodeChanged
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal


async def read(session: Session, caller: Principal, collaboration_id: int) -> Row[Any]:
    """One collaboration.

    Raises:
        UnknownCollaborationError: there is none of this id.
        PermissionDeniedError: the caller may not see it.
    """
    scope = scopes.reach(caller, Resource.COLLABORATION, Operation.VIEW)
    visible = repository.visible_within(scope, caller.organization_id)
    found = await repository.find_with(session, collaboration_id, visible)
    if found is None:
        raise UnknownCollaborationError
    row, is_visible = found
    if not is_visible:
        raise scopes.denied()
    return row


async def listed(
    session: Session,
    caller: Principal,
    page: Page,
    *,
    name: str | None,
    encrypted: Sequence[bool] | None,
    organization_id: int | None,
    store_id: int | None,
) -> tuple[Sequence[Row[Any]], int]:
    """One page of those that the caller sees, and how many there are.

    Raises:
        PermissionDeniedError: the caller sees none at all, or asks for those of another organization.
        NotFoundError: there is no such algorithm store.
    """
    scope = scopes.reach(caller, Resource.COLLABORATION, Operation.VIEW)
    if scope is None:
        raise scopes.denied()
    own = caller.organization_id
    if organization_id not in (None, own) and scope is not Scope.GLOBAL:
        raise scopes.denied()
    only_id = None
    if store_id is not None:
        store = await repository.collaboration_of_store(session, store_id)
        if store is None:
            raise NotFoundError("There is no such algorithm store")
        # a store without a collaboration is one for all of them
        only_id = store.collaboration_id
    filters = repository.Filters(name=name, encrypted=encrypted, organization_id=organization_id, only_id=only_id)
    return await repository.listed(session, repository.visible_within(scope, own), filters, page)


async def create(tx: Transaction, caller: Principal, new: NewCollaboration) -> Row[Any]:
    """Make a collaboration; ids that are no organization's are left out, as the wire does.

    Raises:
        PermissionDeniedError: the caller may not.
        CollaborationNameTakenError: the name is taken.
    """
    if not policy.may_create(caller):
        raise scopes.denied()
    row = await repository.add(tx.session, name=new.name, encrypted=new.encrypted)
    organization_ids = await repository.existing_organizations(tx.session, new.organization_ids)
    await repository.add_members(tx.session, row.id, organization_ids)
    await members.announce(tx, {row.id: row.revision})
    return row


async def change(tx: Transaction, caller: Principal, collaboration_id: int, changes: CollaborationChanges) -> Row[Any]:
    """Change a collaboration.

    Raises:
        UnknownCollaborationError: there is none of this id.
        PermissionDeniedError: the caller may not change it, or not say who its members are.
        BadRequestError: the name is taken (its own subclass), or it is too late to decide about encryption.
    """
    values = changes.model_dump(exclude_unset=True)
    row = await _editable(tx.session, caller, collaboration_id)
    organization_ids = values.pop("organization_ids", None)
    if organization_ids is not None and not policy.may_choose_members(caller):
        raise scopes.denied()
    if not values and organization_ids is None:
        return row
    revisions = await _lock(tx.session, collaboration_id)
    if values.get("encrypted", row.encrypted) != row.encrypted and await repository.has_tasks(
        tx.session, collaboration_id
    ):
        raise BadRequestError("This collaboration has tasks already, so its encryption cannot be changed any more")
    if organization_ids is not None:
        wanted = await repository.existing_organizations(tx.session, organization_ids)
        present = set((await repository.member_ids(tx.session, [collaboration_id]))[collaboration_id])
        await members.take_out(tx, collaboration_id, sorted(present.difference(wanted)))
        await repository.add_members(tx.session, collaboration_id, [id_ for id_ in wanted if id_ not in present])
        await members.announce(tx, revisions)
    if values:
        row = await repository.change(tx.session, collaboration_id, values)
    return row


async def delete(tx: Transaction, caller: Principal, collaboration_id: int, *, with_dependents: bool) -> None:
    """Delete a collaboration; its tasks are ended and go with it, as do its nodes and studies, if that is wanted.

    Raises:
        UnknownCollaborationError: there is none of this id.
        PermissionDeniedError: the caller may not delete it.
        BadRequestError: something depends on it.
    """
    found = await repository.find_with_membership(tx.session, collaboration_id, caller.organization_id)
    if found is None:
        raise UnknownCollaborationError
    _, is_member = found
    if not policy.may_delete(caller, is_member=is_member):
        raise scopes.denied()
    revisions = await _lock(tx.session, collaboration_id)
    if not with_dependents and await repository.has_dependents(tx.session, collaboration_id):
        raise BadRequestError(
            "This collaboration has nodes, studies or tasks; set delete_dependents to delete these too"
        )
    await kill_all(tx, TaskFilter(collaboration_id=collaboration_id))
    for node in await repository.remove_nodes(tx.session, collaboration_id):
        tx.record(
            NodeChanged(
                node_id=node.id,
                name=node.name,
                organization_id=node.organization_id,
                collaboration_id=collaboration_id,
                deleted=True,
            )
        )
    await repository.remove(tx.session, collaboration_id)
    tx.record(
        MembershipChanged(
            collaboration_id=collaboration_id,
            organization_ids=[],
            revision=revisions[collaboration_id],
            deleted=True,
        )
    )


async def add_member(
    tx: Transaction, caller: Principal, collaboration_id: int, organization_id: int
) -> Sequence[Row[Any]]:
    """Let an organization take part; one that does already stays.

    Returns:
        All members.

    Raises:
        NotFoundError: there is no such collaboration or organization.
        PermissionDeniedError: the caller may not change the collaboration.
    """
    await _editable(tx.session, caller, collaboration_id)
    # first the collaboration, then its organizations: everybody locks in this order
    revisions = await _lock(tx.session, collaboration_id)
    if not await repository.existing_organizations(tx.session, [organization_id]):
        raise UnknownOrganizationError
    present = (await repository.member_ids(tx.session, [collaboration_id]))[collaboration_id]
    if organization_id not in present:
        await repository.add_members(tx.session, collaboration_id, [organization_id])
        await members.announce(tx, revisions)
    return (await repository.members_of(tx.session, [collaboration_id]))[collaboration_id]


async def remove_member(
    tx: Transaction, caller: Principal, collaboration_id: int, organization_id: int
) -> Sequence[Row[Any]]:
    """End an organization's part; its node leaves the collaboration with it.

    Returns:
        The members that are left.

    Raises:
        NotFoundError: there is no such collaboration, or the organization has no part in it.
        PermissionDeniedError: the caller may not change the collaboration.
    """
    await _editable(tx.session, caller, collaboration_id)
    revisions = await _lock(tx.session, collaboration_id)
    present = (await repository.member_ids(tx.session, [collaboration_id]))[collaboration_id]
    if organization_id not in present:
        raise NotFoundError("This organization is not a member of the collaboration")
    await members.take_out(tx, collaboration_id, [organization_id])
    await members.announce(tx, revisions)
    return (await repository.members_of(tx.session, [collaboration_id]))[collaboration_id]


async def _editable(session: Session, caller: Principal, collaboration_id: int) -> Row[Any]:
    found = await repository.find_with_membership(session, collaboration_id, caller.organization_id)
    if found is None:
        raise UnknownCollaborationError
    row, is_member = found
    if not policy.may_edit(caller, is_member=is_member):
        raise scopes.denied()
    return row


async def _lock(session: Session, collaboration_id: int) -> dict[int, int]:
    revisions = dict(await members.revise(session, [collaboration_id]))
    if not revisions:
        raise UnknownCollaborationError
    return revisions
