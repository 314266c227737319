"""How far a principal's rules reach among organizations, in the terms that all nouns share."""

from collections.abc import Collection

from sextant_auth.directory.service import Directory
from sextant_shared.contract.errors import PermissionDeniedError
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal

_WIDEST_FIRST = (Scope.GLOBAL, Scope.COLLABORATION, Scope.ORGANIZATION)


def reach(principal: Principal, resource: Resource, operation: Operation) -> Scope | None:
    """The widest scope, from one's organization up, with which `operation` on `resource` is held; None if none is."""
    held = principal.rights.scopes(resource, operation)
    return next((scope for scope in _WIDEST_FIRST if scope in held), None)


async def covers(
    directory: Directory, caller: Principal, resource: Resource, operation: Operation, organization_id: int
) -> bool:
    """Tell whether the caller may do `operation` on the `resource`s of an organization.

    Raises:
        UnavailableError: that depends on collaborations, and api does not answer.
    """
    scope = reach(caller, resource, operation)
    if scope is None or scope is Scope.GLOBAL:
        return scope is Scope.GLOBAL
    if organization_id == caller.organization_id:
        return True
    return scope is Scope.COLLABORATION and await directory.are_partners(caller.organization_id, organization_id)


async def covers_all(
    directory: Directory,
    caller: Principal,
    resource: Resource,
    operation: Operation,
    organization_ids: Collection[int],
) -> bool:
    """Tell whether the caller may do `operation` on the `resource`s of each of several organizations.

    Raises:
        UnavailableError: that depends on collaborations, and api does not answer.
    """
    scope = reach(caller, resource, operation)
    if scope is not Scope.COLLABORATION:
        return scope is Scope.GLOBAL or (scope is not None and set(organization_ids) <= {caller.organization_id})
    strangers = set(organization_ids) - {caller.organization_id}
    if len(strangers) > 1:
        strangers -= await directory.partners(caller.organization_id)
    for organization_id in strangers:
        if not await directory.are_partners(caller.organization_id, organization_id):
            return False
    return True


def holds_all(principal: Principal, rules: Collection[str]) -> bool:
    """Tell whether the caller holds every one of `rules`: one may give and take only what one has."""
    return principal.rules.issuperset(rules)


def denied() -> PermissionDeniedError:
    """The one refusal that says nothing about what it refuses."""
    return PermissionDeniedError("You are not allowed to do this")
