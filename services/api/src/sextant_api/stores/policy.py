"""Who may do what to algorithm stores: whoever may do it to the collaborations that they are for."""

from sextant_api.policy import reach
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal


def may_edit(principal: Principal, collaboration_id: int | None, *, is_member: bool) -> bool:
    """Tell whether the caller may add, change or remove a store.

    Args:
        principal: the caller.
        collaboration_id: that the store is for; None: for all.
        is_member: whether the caller's organization is a member of it.
    """
    scope = reach(principal, Resource.COLLABORATION, Operation.EDIT)
    return scope is Scope.GLOBAL or (scope is Scope.COLLABORATION and collaboration_id is not None and is_member)
