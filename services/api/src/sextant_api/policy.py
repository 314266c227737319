"""How far a principal's rules reach, in the terms that all nouns share.

Knows the ladder of scopes and nothing of any noun. What a scope means for organizations, nodes or tasks stands in
the `policy` of each.
"""

from sextant_shared.contract.errors import PermissionDeniedError
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal

_WIDEST_FIRST = (Scope.GLOBAL, Scope.COLLABORATION, Scope.ORGANIZATION, Scope.OWN)


def reach(principal: Principal, resource: Resource, operation: Operation) -> Scope | None:
    """The widest scope with which `operation` on `resource` is held, or None."""
    held = principal.rights.scopes(resource, operation)
    return next((scope for scope in _WIDEST_FIRST if scope in held), None)


def denied() -> PermissionDeniedError:
    """The one refusal that says nothing about what it refuses."""
    return PermissionDeniedError("You are not allowed to do this")
