"""Who may do what to tasks, and to the runs in them.

Pure decisions over what the repository found; knows no SQL. Things with collaboration scope are those of collaborations
that the caller's organization is member of; a container is held to its own one wherever something is named.
"""

from dataclasses import dataclass, replace
from typing import Self

from sextant_shared.contract.errors import PermissionDeniedError
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.security import Principal


@dataclass(frozen=True)
class Reach:
    """How far one operation of one caller goes.

    Attributes:
        everything: it has global scope.
        collaborations: it has collaboration scope.
        organization: it has organization scope.
        own: it has own scope.
    """

    everything: bool
    collaborations: bool
    organization: bool
    own: bool

    @classmethod
    def of(cls, principal: Principal, resource: Resource, operation: Operation) -> Self:
        """Read a caller's rules."""
        scopes = principal.rights.scopes(resource, operation)
        return cls(
            everything=Scope.GLOBAL in scopes,
            collaborations=Scope.COLLABORATION in scopes,
            organization=Scope.ORGANIZATION in scopes,
            own=Scope.OWN in scopes and principal.is_user,
        )

    @property
    def anything(self) -> bool:
        """Whether there is anything that the caller may do this to."""
        return self.everything or self.collaborations or self.organization or self.own

    def without_organization(self) -> Self:
        """The same, where organization scope means nothing."""
        return replace(self, organization=False)

    def covers(self, other: Self) -> bool:
        """Whether this goes at least as far as `other`."""
        if self.everything or not other.anything:
            return True
        if other.everything:
            return False
        if other.collaborations:
            return self.collaborations
        if other.organization:
            return self.collaborations or self.organization
        return self.anything


@dataclass(frozen=True)
class Owner:
    """Whose something is, as far as policies ask; None where the question does not arise.

    Attributes:
        collaboration_id: it belongs to.
        organization_id: it belongs to, or that made it.
        user_id: who made it.
        is_near: whether the caller's organization is member of the collaboration, or (without one) shares one with the
            organization.
    """

    collaboration_id: int | None
    organization_id: int | None
    user_id: int | None
    is_near: bool


def is_within(reach: Reach, principal: Principal, owner: Owner) -> bool:
    """Tell whether a caller's operation reaches something of this owner."""
    return (
        reach.everything
        or (reach.collaborations and is_near(principal, owner))
        or (reach.organization and owner.organization_id == principal.organization_id)
        or (reach.own and owner.user_id == principal.id)
    )


def is_near(principal: Principal, owner: Owner) -> bool:
    """Tell whether something lies in a collaboration that the caller works in."""
    if principal.is_container and owner.collaboration_id is not None:
        return owner.collaboration_id == principal.collaboration_id
    return owner.is_near


def require(reach: Reach, principal: Principal, owner: Owner, what: str) -> None:
    """Let a caller pass whose operation reaches this owner.

    Raises:
        PermissionDeniedError: it does not.
    """
    if not is_within(reach, principal, owner):
        raise PermissionDeniedError(f"You may not {what}")


def require_anything(reach: Reach, what: str) -> None:
    """Let a caller pass who may do this to something at least.

    Raises:
        PermissionDeniedError: to nothing at all.
    """
    if not reach.anything:
        raise PermissionDeniedError(f"You may not {what}")


def require_results(principal: Principal, reach: Reach) -> None:
    """Let a caller pass who may see the results of all tasks that it sees.

    Raises:
        PermissionDeniedError: it may not.
    """
    if not Reach.of(principal, Resource.RUN, Operation.VIEW).covers(reach):
        raise PermissionDeniedError("You may not see the results of these tasks")
