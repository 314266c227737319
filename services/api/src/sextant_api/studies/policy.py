"""Who may do what to studies."""

from dataclasses import dataclass

from sextant_api.policy import reach
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal


@dataclass(frozen=True)
class Standing:
    """What the caller's organization is to a study.

    Attributes:
        in_collaboration: it is a member of the study's collaboration.
        in_study: it takes part in the study.
    """

    in_collaboration: bool
    in_study: bool


def may_create(principal: Principal, *, in_collaboration: bool) -> bool:
    """Tell whether the caller may make a study in a collaboration."""
    scope = reach(principal, Resource.STUDY, Operation.CREATE)
    return scope is Scope.GLOBAL or (scope is Scope.COLLABORATION and in_collaboration)


def may_edit(principal: Principal, standing: Standing) -> bool:
    """Tell whether the caller may change a study."""
    return _may(principal, Operation.EDIT, standing)


def may_delete(principal: Principal, standing: Standing) -> bool:
    """Tell whether the caller may delete a study."""
    return _may(principal, Operation.DELETE, standing)


def may_change_members(principal: Principal, standing: Standing) -> bool:
    """Tell whether the caller may add organizations and take them out, one by one."""
    scope = reach(principal, Resource.STUDY, Operation.EDIT)
    return scope is Scope.GLOBAL or (scope is Scope.COLLABORATION and standing.in_collaboration)


def _may(principal: Principal, operation: Operation, standing: Standing) -> bool:
    scope = reach(principal, Resource.STUDY, operation)
    return (
        scope is Scope.GLOBAL
        or (scope is Scope.COLLABORATION and standing.in_collaboration)
        or (scope is Scope.ORGANIZATION and standing.in_study)
    )
