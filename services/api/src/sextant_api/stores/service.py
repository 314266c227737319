"""Decides about algorithm stores: what may be seen, added, changed and removed.

Opens no transaction, commits none, and asks no store: a route does that between two of these, while none is open.
"""

from collections.abc import Sequence
from typing import Any

from sextant_api import policy as scopes
from sextant_api.collaborations.errors import UnknownCollaborationError
from sextant_api.stores import policy, repository
from sextant_api.stores.errors import StoreExistsError, UnknownStoreError
from sextant_api.stores.schemas import NewStore, StoreChanges
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Row, Session, Transaction
from sextant_shared.http.pagination import Page
from sextant_shared.security import Principal


async def read(session: Session, caller: Principal, store_id: int) -> Row[Any]:
    """One store.

    Raises:
        UnknownStoreError: there is none of this id.
        PermissionDeniedError: the caller may not see it.
    """
    scope = scopes.reach(caller, Resource.COLLABORATION, Operation.VIEW)
    visible = repository.visible_within(scope, caller.organization_id)
    found = await repository.find_with_view(session, store_id, visible)
    if found is None:
        raise UnknownStoreError
    row, is_visible = found
    if not is_visible:
        raise scopes.denied()
    return row


async def listed(
    session: Session, caller: Principal, filters: repository.Filters, page: Page
) -> tuple[Sequence[Row[Any]], int]:
    """One page of those that the caller sees, and how many there are.

    Raises:
        UnknownCollaborationError: there is no such collaboration to ask by.
        PermissionDeniedError: the caller sees none at all, or may not ask by this collaboration.
    """
    scope = scopes.reach(caller, Resource.COLLABORATION, Operation.VIEW)
    own = caller.organization_id
    if filters.collaboration_id is not None:
        is_member = await repository.is_in_collaboration(session, filters.collaboration_id, own)
        if is_member is None:
            raise UnknownCollaborationError
        if not is_member and scope is not Scope.GLOBAL:
            raise scopes.denied()
    if scope is None:
        raise scopes.denied()
    return await repository.listed(session, repository.visible_within(scope, own), filters, page)


async def admit(session: Session, caller: Principal, new: NewStore) -> None:
    """Let a store be added.

    Raises:
        UnknownCollaborationError: there is no such collaboration.
        PermissionDeniedError: the caller may not, there.
        StoreExistsError: it is there already.
    """
    if not policy.may_edit(
        caller, new.collaboration_id, is_member=await _is_member(session, caller, new.collaboration_id)
    ):
        raise scopes.denied()
    if await repository.is_available(session, new.algorithm_store_url, new.collaboration_id):
        raise StoreExistsError


async def add(tx: Transaction, new: NewStore) -> Row[Any]:
    """Add a store that was admitted and knows of it.

    Raises:
        StoreExistsError: somebody else has added it meanwhile.
        UnknownCollaborationError: the collaboration is gone.
    """
    row = await repository.add(
        tx.session,
        {
            "name": new.name,
            "url": new.algorithm_store_url,
            "collaboration_id": new.collaboration_id,
            "is_forced": new.force,
        },
    )
    if new.collaboration_id is None:
        await repository.take_over(tx.session, row)
    return row


async def change(tx: Transaction, caller: Principal, store_id: int, changes: StoreChanges) -> Row[Any]:
    """Change a store's name, or which collaboration it is for; one that is for all takes the place of others.

    Raises:
        UnknownStoreError: there is none of this id.
        UnknownCollaborationError: there is no such collaboration.
        PermissionDeniedError: the caller may not change it, or not have it there.
        StoreExistsError: it is there already.
    """
    values = changes.model_dump(exclude_unset=True)
    row = await _editable(tx.session, caller, store_id)
    collaboration_id = values.get("collaboration_id", row.collaboration_id)
    if collaboration_id != row.collaboration_id and not policy.may_edit(
        caller, collaboration_id, is_member=await _is_member(tx.session, caller, collaboration_id)
    ):
        raise scopes.denied()
    if not values:
        return row
    changed = await repository.change(tx.session, store_id, values)
    if changed is None:
        raise UnknownStoreError
    if changed.collaboration_id is None:
        await repository.take_over(tx.session, changed)
    return changed


async def dismiss(session: Session, caller: Principal, store_id: int) -> tuple[Row[Any], bool]:
    """Let a store be removed.

    Returns:
        The store, and whether it should be told, because nothing else here is of it.

    Raises:
        UnknownStoreError: there is none of this id.
        PermissionDeniedError: the caller may not remove it.
    """
    row = await _editable(session, caller, store_id)
    return row, await repository.is_only_one(session, row)


async def _editable(session: Session, caller: Principal, store_id: int) -> Row[Any]:
    found = await repository.find_with_membership(session, store_id, caller.organization_id)
    if found is None:
        raise UnknownStoreError
    row, is_member = found
    if not policy.may_edit(caller, row.collaboration_id, is_member=is_member):
        raise scopes.denied()
    return row


async def _is_member(session: Session, caller: Principal, collaboration_id: int | None) -> bool:
    if collaboration_id is None:
        return False
    is_member = await repository.is_in_collaboration(session, collaboration_id, caller.organization_id)
    if is_member is None:
        raise UnknownCollaborationError
    return is_member
