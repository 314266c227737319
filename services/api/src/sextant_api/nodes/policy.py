"""Who may do what to nodes."""

from dataclasses import dataclass

from sextant_api.policy import reach
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal


@dataclass(frozen=True)
class Standing:
    """What the caller's organization is to a node.

    Attributes:
        owns: the node is the organization's.
        in_collaboration: the organization is a member of the node's collaboration. That it shares another one with
            the node's organization gives it no say.
    """

    owns: bool
    in_collaboration: bool


def may_create(principal: Principal, organization_id: int, *, in_collaboration: bool, is_partner: bool) -> bool:
    """Tell whether the caller may make a node.

    Args:
        principal: the caller.
        organization_id: whose node it will be.
        in_collaboration: whether the caller's organization is a member of the node's collaboration.
        is_partner: whether the caller's organization shares a collaboration with the node's.
    """
    held = principal.rights.scopes(Resource.NODE, Operation.CREATE)
    is_own = organization_id == principal.organization_id
    return (
        Scope.GLOBAL in held
        or (Scope.COLLABORATION in held and in_collaboration and (is_own or is_partner))
        or (Scope.ORGANIZATION in held and is_own)
    )


def may_edit(principal: Principal, node_id: int, standing: Standing) -> bool:
    """Tell whether the caller may change a node; a node changes only itself."""
    if principal.is_node and principal.id != node_id:
        return False
    return _may(principal, Operation.EDIT, standing)


def may_delete(principal: Principal, standing: Standing) -> bool:
    """Tell whether the caller may delete a node."""
    return _may(principal, Operation.DELETE, standing)


def _may(principal: Principal, operation: Operation, standing: Standing) -> bool:
    scope = reach(principal, Resource.NODE, operation)
    return (
        scope is Scope.GLOBAL
        or (scope is Scope.COLLABORATION and (standing.owns or standing.in_collaboration))
        or (scope is Scope.ORGANIZATION and standing.owns)
    )
