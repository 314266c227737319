"""What the people of the recordings may do, worked out from the facts: their rules and who shares a collaboration.

Needed where the recordings are not the target because the original judged wrongly. Knows the world as it is said to
be, not a server.
"""

import json
from functools import cache

from .recording import FOLDER, world


@cache
def _roles() -> dict[str, list[str]]:
    return dict(json.loads((FOLDER / "roles.json").read_text(encoding="utf-8")))


@cache
def rules_of(user: str) -> frozenset[str]:
    """The rules of a user, `resource|SCOPE|OPERATION`."""
    said = world()
    person = said["users"][user]
    found = set(person.get("rules", []))
    for role in person.get("roles", []):
        found |= set(_roles().get(role) or said["roles"][role]["rules"])
    return frozenset(found)


def has(user: str, resource: str, operation: str, scope: str) -> bool:
    """Whether a user has a rule."""
    return f"{resource}|{scope}|{operation}" in rules_of(user)


def organization_of(user: str) -> str:
    """The organization of a user."""
    return str(world()["users"][user]["organization"])


def collaborations_of(organization: str) -> set[str]:
    """The collaborations that an organization takes part in."""
    return {name for name, said in world()["collaborations"].items() if organization in said["organizations"]}


def are_partners(one: str, other: str) -> bool:
    """Whether two organizations share a collaboration."""
    return one == other or bool(collaborations_of(one) & collaborations_of(other))


def may(user: str, resource: str, operation: str, *, organization: str, collaboration: str | None) -> bool:
    """Whether a user may do this to something of an organization, in a collaboration or of its own."""
    own = organization_of(user)
    if has(user, resource, operation, "GLOBAL"):
        return True
    within = collaboration in collaborations_of(own) if collaboration else are_partners(own, organization)
    if has(user, resource, operation, "COLLABORATION") and within:
        return True
    return has(user, resource, operation, "ORGANIZATION") and own == organization
