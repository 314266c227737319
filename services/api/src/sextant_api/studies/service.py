"""Decides about studies: what may be made, changed and deleted.

Opens no transaction and commits none. Nobody follows studies, so nothing is told of them.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sextant_api import policy as scopes
from sextant_api.collaborations.errors import UnknownCollaborationError
from sextant_api.kills.service import kill_all
from sextant_api.studies import policy, repository
from sextant_api.studies.errors import UnknownStudyError
from sextant_api.studies.policy import Standing
from sextant_api.studies.schemas import NewStudy, StudyChanges
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal


async def read(session: Session, caller: Principal, study_id: int) -> Row[Any]:
    """One study.

    Raises:
        UnknownStudyError: there is none of this id.
        PermissionDeniedError: the caller may not see it.
    """
    scope = scopes.reach(caller, Resource.STUDY, Operation.VIEW)
    visible = repository.visible_within(scope, caller.organization_id)
    found = await repository.find_with_view(session, study_id, visible)
    if found is None:
        raise UnknownStudyError
    row, is_visible = found
    if not is_visible:
        raise scopes.denied()
    return row


async def listed(
    session: Session, caller: Principal, filters: repository.Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of those that the caller sees, and how many there are.

    Raises:
        PermissionDeniedError: the caller sees none at all, or may not ask by this collaboration or organization.
    """
    scope = scopes.reach(caller, Resource.STUDY, Operation.VIEW)
    own = caller.organization_id
    if scope is None or (scope is Scope.ORGANIZATION and filters.organization_id not in (None, own)):
        raise scopes.denied()
    if (
        filters.collaboration_id is not None
        and scope is not Scope.GLOBAL
        and not await repository.is_in_collaboration(session, filters.collaboration_id, own)
    ):
        raise scopes.denied()
    return await repository.listed(session, repository.visible_within(scope, own), filters, page)


async def create(tx: Transaction, caller: Principal, new: NewStudy) -> Row[Any]:
    """Make a study.

    Raises:
        PermissionDeniedError: the caller may not, in this collaboration.
        UnknownCollaborationError: there is no such collaboration.
        BadRequestError: the name is taken, or an organization is no member of the collaboration.
    """
    is_member = await repository.is_in_collaboration(tx.session, new.collaboration_id, caller.organization_id)
    if not policy.may_create(caller, in_collaboration=bool(is_member)):
        raise scopes.denied()
    if is_member is None:
        raise UnknownCollaborationError
    await _only_members(tx.session, new.collaboration_id, new.organization_ids)
    row = await repository.add(tx.session, name=new.name, collaboration_id=new.collaboration_id)
    await repository.add_members(tx.session, row.id, new.collaboration_id, new.organization_ids)
    return row


async def change(tx: Transaction, caller: Principal, study_id: int, changes: StudyChanges) -> Row[Any]:
    """Change a study's name, and who takes part in it.

    Raises:
        UnknownStudyError: there is none of this id.
        PermissionDeniedError: the caller may not change it.
        BadRequestError: the name is taken, or an organization is no member of the collaboration.
    """
    row, standing = await _find(tx.session, caller, study_id)
    if not policy.may_edit(caller, standing):
        raise scopes.denied()
    if "organization_ids" in changes.model_fields_set:
        wanted = changes.organization_ids
        await _only_members(tx.session, row.collaboration_id, wanted)
        present = await repository.member_ids(tx.session, study_id)
        await repository.remove_members(tx.session, study_id, present.difference(wanted))
        joining = [id_ for id_ in wanted if id_ not in present]
        await repository.add_members(tx.session, study_id, row.collaboration_id, joining)
    if "name" in changes.model_fields_set:
        return await repository.rename(tx.session, study_id, changes.name)
    return row


async def delete(tx: Transaction, caller: Principal, study_id: int, *, with_dependents: bool) -> None:
    """Delete a study; its tasks are ended and go with it, if that is wanted.

    Raises:
        UnknownStudyError: there is none of this id.
        PermissionDeniedError: the caller may not delete it.
        BadRequestError: it has tasks.
    """
    _, standing = await _find(tx.session, caller, study_id)
    if not policy.may_delete(caller, standing):
        raise scopes.denied()
    if not with_dependents and await repository.has_tasks(tx.session, study_id):
        raise BadRequestError("This study has tasks; set delete_dependents to delete these too")
    await kill_all(tx, TaskFilter(study_id=study_id))
    await repository.remove(tx.session, study_id)


async def add_member(tx: Transaction, caller: Principal, study_id: int, organization_id: int) -> Sequence[Row[Any]]:
    """Let an organization take part; one that does already stays.

    Returns:
        All that take part.

    Raises:
        NotFoundError: there is no such study.
        PermissionDeniedError: the caller may not say who takes part.
        BadRequestError: the organization is no member of the study's collaboration.
    """
    row = await _find_to_change_members(tx.session, caller, study_id)
    await _only_members(tx.session, row.collaboration_id, [organization_id])
    if organization_id not in await repository.member_ids(tx.session, study_id):
        await repository.add_members(tx.session, study_id, row.collaboration_id, [organization_id])
    return (await repository.members_of(tx.session, [study_id]))[study_id]


async def remove_member(tx: Transaction, caller: Principal, study_id: int, organization_id: int) -> Sequence[Row[Any]]:
    """End an organization's part.

    Returns:
        Those that are left.

    Raises:
        NotFoundError: there is no such study, or the organization takes no part in it.
        PermissionDeniedError: the caller may not say who takes part.
    """
    await _find_to_change_members(tx.session, caller, study_id)
    if organization_id not in await repository.member_ids(tx.session, study_id):
        raise NotFoundError("This organization does not take part in the study")
    await repository.remove_members(tx.session, study_id, [organization_id])
    return (await repository.members_of(tx.session, [study_id]))[study_id]


async def _find(session: Session, caller: Principal, study_id: int) -> tuple[Row[Any], Standing]:
    found = await repository.find_with_standing(session, study_id, caller.organization_id)
    if found is None:
        raise UnknownStudyError
    return found


async def _find_to_change_members(session: Session, caller: Principal, study_id: int) -> Row[Any]:
    row, standing = await _find(session, caller, study_id)
    if not policy.may_change_members(caller, standing):
        raise scopes.denied()
    return row


async def _only_members(session: Session, collaboration_id: int, organization_ids: Collection[int]) -> None:
    outsiders = await repository.outsiders(session, collaboration_id, organization_ids)
    if outsiders:
        raise BadRequestError(
            "These organizations are not members of the collaboration: " + ", ".join(str(id_) for id_ in outsiders)
        )
