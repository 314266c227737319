"""Who may do what to collaborations."""

from sextant_api.policy import reach
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal


def may_create(principal: Principal) -> bool:
    """Tell whether the caller may make collaborations."""
    return reach(principal, Resource.COLLABORATION, Operation.CREATE) is Scope.GLOBAL


def may_edit(principal: Principal, *, is_member: bool) -> bool:
    """Tell whether the caller may change a collaboration that its organization is (not) a member of."""
    return _may(principal, Operation.EDIT, is_member=is_member)


def may_choose_members(principal: Principal) -> bool:
    """Tell whether the caller may say all at once who the members are."""
    return reach(principal, Resource.COLLABORATION, Operation.EDIT) is Scope.GLOBAL


def may_delete(principal: Principal, *, is_member: bool) -> bool:
    """Tell whether the caller may delete a collaboration that its organization is (not) a member of."""
    return _may(principal, Operation.DELETE, is_member=is_member)


def _may(principal: Principal, operation: Operation, *, is_member: bool) -> bool:
    scope = reach(principal, Resource.COLLABORATION, operation)
    return scope is Scope.GLOBAL or (scope is Scope.COLLABORATION and is_member)
