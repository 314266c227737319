"""Decides about organizations: what may be made, changed and deleted, and what is told of it.

Opens no transaction and commits none.
"""

from typing import Any, Final

from sextant_api import policy as scopes
from sextant_api.collaborations import members
from sextant_api.kills.service import kill_all_of_organization
from sextant_api.organizations import policy, repository
from sextant_api.organizations.errors import UnknownOrganizationError
from sextant_api.organizations.schemas import NewOrganization, OrganizationChanges
from sextant_api.runs.repository import lock_tasks, refresh_task_statuses
from sextant_api.tasks.repository import find_done_with
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.contract.events import NodeChanged, OrganizationChanged
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal

_AT_ONCE: Final = 1000


async def read(session: Session, caller: Principal, organization_id: int) -> Row[Any]:
    """One organization.

    Raises:
        UnknownOrganizationError: there is none of this id.
        PermissionDeniedError: the caller may not see it.
    """
    scope = scopes.reach(caller, Resource.ORGANIZATION, Operation.VIEW)
    visible = repository.visible_within(scope, caller.organization_id)
    found = await repository.find_with_view(session, organization_id, visible)
    if found is None:
        raise UnknownOrganizationError
    row, is_visible = found
    if not is_visible:
        raise scopes.denied()
    return row


async def listed(session: Session, caller: Principal, filters: repository.Filters, page: Page) -> tuple[Any, int]:
    """One page of those that the caller sees, and how many there are.

    Raises:
        PermissionDeniedError: the caller sees none at all, or may not ask by this collaboration or study.
    """
    scope = scopes.reach(caller, Resource.ORGANIZATION, Operation.VIEW)
    if scope is None:
        raise scopes.denied()
    if scope is not Scope.GLOBAL and not (
        await _may_ask_by_collaboration(session, caller, scope, filters.collaboration_id)
        and await _may_ask_by_study(session, caller, scope, filters.study_id)
    ):
        raise scopes.denied()
    visible = repository.visible_within(scope, caller.organization_id)
    return await repository.listed(session, visible, filters, page)


async def _may_ask_by_collaboration(
    session: Session, caller: Principal, scope: Scope, collaboration_id: int | None
) -> bool:
    if collaboration_id is None:
        return True
    if scope is not Scope.COLLABORATION:
        return False
    if caller.is_container:
        return collaboration_id == caller.collaboration_id
    return await repository.in_collaboration(session, collaboration_id, caller.organization_id)


async def _may_ask_by_study(session: Session, caller: Principal, scope: Scope, study_id: int | None) -> bool:
    if study_id is None:
        return True
    if scope is not Scope.COLLABORATION:
        return False
    return await _may_ask_by_collaboration(
        session, caller, scope, await repository.collaboration_of_study(session, study_id) or 0
    )


async def create(tx: Transaction, caller: Principal, new: NewOrganization) -> Row[Any]:
    """Make an organization.

    Raises:
        PermissionDeniedError: the caller may not.
        OrganizationNameTakenError: the name is taken.
    """
    if not policy.may_create(caller):
        raise scopes.denied()
    row = await repository.add(tx.session, new.model_dump())
    tx.record(OrganizationChanged(organization_id=row.id, name=row.name))
    return row


async def change(tx: Transaction, caller: Principal, organization_id: int, changes: OrganizationChanges) -> Row[Any]:
    """Change an organization.

    Raises:
        UnknownOrganizationError: there is none of this id.
        PermissionDeniedError: the caller may not change it, or not these fields of it.
        OrganizationNameTakenError: the name is taken.
    """
    values = changes.model_dump(exclude_unset=True)
    before = await repository.find(tx.session, organization_id)
    if before is None:
        raise UnknownOrganizationError
    is_partner = await repository.are_partners(tx.session, caller.organization_id, organization_id)
    if not policy.may_edit(caller, organization_id, set(values), is_partner=is_partner):
        raise scopes.denied()
    if not values:
        return before
    row = await repository.change(tx.session, organization_id, values)
    if row is None:
        raise UnknownOrganizationError
    if row.name != before.name:
        tx.record(OrganizationChanged(organization_id=row.id, name=row.name))
    return row


async def delete(tx: Transaction, caller: Principal, organization_id: int, *, with_dependents: bool) -> None:
    """Delete an organization; its tasks are ended and go with it, as do nodes and memberships, if that is wanted.

    Users and roles belong to auth, which follows the fact that is told here.

    Raises:
        PermissionDeniedError: the caller may not delete organizations.
        UnknownOrganizationError: there is none of this id.
        BadRequestError: it is the caller's own, or something depends on it.
    """
    if not policy.may_delete(caller):
        raise scopes.denied()
    row = await repository.find(tx.session, organization_id)
    if row is None:
        raise UnknownOrganizationError
    if organization_id == caller.organization_id:
        raise BadRequestError("You cannot delete your own organization")
    if not with_dependents and await repository.has_dependents(tx.session, organization_id):
        raise BadRequestError(
            "This organization has collaborations, nodes, tasks or runs; set delete_dependents to delete these too"
        )
    collaboration_ids = await repository.collaboration_ids(tx.session, organization_id)
    revisions = await members.revise(tx.session, collaboration_ids)
    nodes = await repository.node_rows(tx.session, organization_id)
    await kill_all_of_organization(tx, organization_id)
    others = await find_done_with(tx.session, organization_id)
    parts = [others[begin : begin + _AT_ONCE] for begin in range(0, len(others), _AT_ONCE)]
    # before anything is deleted: whoever changes one of its runs holds the task first
    for part in parts:
        await lock_tasks(tx.session, part)
    await repository.remove(tx.session, organization_id)
    # what others asked of it is as if it had not been asked
    for part in parts:
        await refresh_task_statuses(tx.session, part)
    await members.announce(tx, revisions)
    for node in nodes:
        tx.record(
            NodeChanged(
                node_id=node.id,
                name=node.name,
                organization_id=organization_id,
                collaboration_id=node.collaboration_id,
                deleted=True,
            )
        )
    tx.record(OrganizationChanged(organization_id=organization_id, name=row.name, deleted=True))
