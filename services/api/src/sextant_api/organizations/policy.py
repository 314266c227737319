"""Who may do what to organizations."""

from sextant_api.policy import reach
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal

_PUBLIC_KEY = "public_key"


def may_create(principal: Principal) -> bool:
    """Tell whether the caller may make organizations."""
    return reach(principal, Resource.ORGANIZATION, Operation.CREATE) is Scope.GLOBAL


def may_delete(principal: Principal) -> bool:
    """Tell whether the caller may delete organizations."""
    return reach(principal, Resource.ORGANIZATION, Operation.DELETE) is Scope.GLOBAL


def may_edit(principal: Principal, organization_id: int, fields: set[str], *, is_partner: bool) -> bool:
    """Tell whether the caller may change these fields of an organization.

    A public key is changed by the organization's own members alone, or partners would encrypt for somebody else; and
    a node changes nothing but the key of its own organization.

    Args:
        principal: the caller.
        organization_id: which.
        fields: the names of what is to be changed.
        is_partner: whether the caller's organization shares a collaboration with it.
    """
    is_own = organization_id == principal.organization_id
    if not is_own and (principal.is_node or _PUBLIC_KEY in fields):
        return False
    if principal.is_node and fields - {_PUBLIC_KEY}:
        return False
    scope = reach(principal, Resource.ORGANIZATION, Operation.EDIT)
    return (
        scope is Scope.GLOBAL
        or (scope is Scope.COLLABORATION and (is_own or is_partner))
        or (scope is Scope.ORGANIZATION and is_own)
    )
