"""The scene of the matrix as pure data: who there is, what there is, and whose it is.

Everybody who asks is at home in organization A. A works with B (in AB) and with C (in AC), and is alone in AA. B works
with D (in BD), of which A knows nothing; D is also alone in DD. So everything comes in up to five relations to whoever
asks: own, of the same organization, of the same collaboration, of a partner but elsewhere, and of strangers.

Knows no server: ids are the business of `world`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

HOME = "A"
ORGANIZATIONS = ("A", "B", "C", "D")
FIRST = "root"
"""The organization that every server begins with; it works with nobody."""
COLLABORATIONS = {"AA": "A", "AB": "AB", "AC": "AC", "BD": "BD", "DD": "D"}
"""The members of each, one letter for each organization."""
STUDIES = {
    "AB-both": ("AB", "AB"),
    "AB-B": ("AB", "B"),
    "AC-both": ("AC", "AC"),
    "BD-both": ("BD", "BD"),
    "DD-D": ("DD", "D"),
}
"""The collaboration of each, and who takes part."""
NODES = {
    "A@AB": ("A", "AB"),
    "B@AB": ("B", "AB"),
    "A@AC": ("A", "AC"),
    "C@AC": ("C", "AC"),
    "B@BD": ("B", "BD"),
    "D@BD": ("D", "BD"),
    "D@DD": ("D", "DD"),
}
TASKS = {
    "A": ("maker A", "AB", "AB"),
    "B": ("maker B", "AB", "AB"),
    "ended": ("maker A", "AB", "AB"),
    "AC": ("maker C", "AC", "AC"),
    "BD": ("maker B", "BD", "BD"),
    "DD": ("maker D", "DD", "D"),
}
"""Who made each, in which collaboration, and who has a run. Beside them everybody who asks has made one."""
OF_EVERYBODY = ("AB", "B")
"""Where everybody's own task runs: a partner has the run of it, so it is one's own by nothing but having made it."""
STORES = {"all": None, "AB": "AB", "AC": "AC", "BD": "BD", "DD": "DD"}
ROLES = {"A": "A", "B": "B", "C": "C", "D": "D", "held": "A"}
ROLE_RULES = ("node:ORGANIZATION:VIEW",)
HELD_RULES = ("port:ORGANIZATION:VIEW",)
BYSTANDERS = {
    "weak A": ("A", None),
    "weak B": ("B", None),
    "weak D": ("D", None),
    "strong A": ("A", "Root"),
    "strong B": ("B", "Root"),
    "maker A": ("A", "Researcher"),
    "maker B": ("B", "Researcher"),
    "maker C": ("C", "Researcher"),
    "maker D": ("D", "Researcher"),
}
"""Users who ask nothing: their organization and role. Some have fewer rules than whoever asks, some have more."""

_FACTS = Path(__file__).parents[1] / "contract" / "recordings"


@dataclass(frozen=True)
class Thing:
    """Something that can be asked for or changed, and whose it is.

    Attributes:
        symbol: `kind:name`; empty for what is only going to be made.
        organizations: rules with organization scope reach it from these.
        collaborations: rules with collaboration scope reach it from their members.
        user: rules with own scope reach it from this user.
        rules: that it holds, if it is a user or role.
    """

    symbol: str
    organizations: frozenset[str] = frozenset()
    collaborations: frozenset[str] = frozenset()
    user: str | None = None
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Actor:
    """Somebody who asks.

    Attributes:
        name: shown where something is wrong; of users also the name of their account.
        kind: user, node, container or stranger.
        rules: `resource:SCOPE:OPERATION` each.
        roles: names of the roles that it has.
        place: of a node or container: the collaboration it works in.
        refused: of a stranger: the status with which every route refuses it that needs a token.
        seems: of a stranger: the kind that its token says it is of, if the token is authentic.
    """

    name: str
    kind: str = "user"
    rules: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    place: str | None = None
    refused: int = 0
    seems: str | None = None

    @property
    def collaborations(self) -> frozenset[str]:
        """Those that its organization is a member of."""
        return collaborations_of(HOME)

    def in_place(self) -> "Actor":
        """The same, held to the one collaboration in which it works, if it is held to one: a container is."""
        return replace(self, kind="container in place") if self.kind == "container" else self


def collaborations_of(organization: str) -> frozenset[str]:
    """The collaborations that an organization is a member of."""
    return frozenset(name for name, members in COLLABORATIONS.items() if organization in members)


def partners_of(organization: str) -> frozenset[str]:
    """The organizations that share a collaboration with one, itself among them if it has any."""
    return frozenset("".join(COLLABORATIONS[name] for name in collaborations_of(organization)))


@cache
def all_rules() -> tuple[str, ...]:
    """Every rule that there is, in the order of the facts."""
    return tuple(_with_colons(rule) for rule in _roles()["Root"])


@cache
def rules_of_role(name: str) -> frozenset[str]:
    """What a default role holds."""
    return frozenset(_with_colons(rule) for rule in _roles()[name])


@cache
def default_roles() -> tuple[str, ...]:
    """The names of the roles that every server begins with."""
    return tuple(_roles())


@cache
def _roles() -> dict[str, list[str]]:
    return dict(json.loads((_FACTS / "roles.json").read_text(encoding="utf-8")))


def _with_colons(rule: str) -> str:
    return rule.replace("|", ":")


@cache
def users() -> tuple[Actor, ...]:
    """Everybody with an account who asks: with no rule, with each one alone, and with each default role."""
    return (
        Actor("nobody"),
        Actor("holder", rules=frozenset(HELD_RULES), roles=("held",)),
        *(Actor(f"only {rule}", rules=frozenset([rule])) for rule in all_rules()),
        *(Actor(f"role {role}", rules=rules_of_role(role), roles=(role,)) for role in default_roles()),
    )


@cache
def machines() -> tuple[Actor, ...]:
    """The nodes and the container that ask."""
    return (
        Actor("node A@AB", "node", rules_of_role("node"), place="AB"),
        Actor("node A@AC", "node", rules_of_role("node"), place="AC"),
        Actor("container of A@AB", "container", rules_of_role("container"), place="AB"),
    )


@cache
def strangers() -> tuple[Actor, ...]:
    """Everybody who is to be refused wherever a token is needed."""
    return (
        Actor("anonymous", "stranger", refused=401),
        Actor("no token at all", "stranger", refused=422),
        Actor("forged token", "stranger", refused=422),
        Actor("unsigned token", "stranger", refused=422),
        Actor("expired token", "stranger", refused=401),
        Actor("refresh token", "stranger", refused=422),
        Actor("service token", "stranger", refused=422),
        Actor("deleted user", "stranger", refused=401, seems="user"),
        Actor("ended container", "stranger", refused=401, seems="container"),
    )


@cache
def actors() -> tuple[Actor, ...]:
    """Everybody."""
    return (*strangers(), *machines(), *users())


@cache
def things() -> dict[str, Thing]:
    """Everything, by symbol."""
    return {thing.symbol: thing for thing in _things()}


def thing(symbol: str) -> Thing:
    """What a symbol stands for."""
    return things()[symbol]


def of_kind(kind: str) -> tuple[Thing, ...]:
    """All things of a kind."""
    return tuple(found for symbol, found in things().items() if symbol.startswith(f"{kind}:"))


def _things() -> Iterator[Thing]:
    for name in (*ORGANIZATIONS, FIRST):
        yield of_organization(f"organization:{name}", name)
    for name, members in COLLABORATIONS.items():
        yield Thing(f"collaboration:{name}", frozenset(members), frozenset([name]))
    for name, (collaboration, members) in STUDIES.items():
        yield Thing(f"study:{name}", frozenset(members), frozenset([collaboration]))
    for name, (organization, collaboration) in NODES.items():
        yield Thing(f"node:{name}", frozenset([organization]), frozenset([collaboration]))
    for name, collaboration_or_all in STORES.items():
        yield Thing(f"store:{name}", *_of_store(collaboration_or_all))
    yield from _people()
    yield from _work()


def _of_store(collaboration: str | None) -> tuple[frozenset[str], frozenset[str]]:
    if collaboration is None:
        return frozenset(ORGANIZATIONS), frozenset(COLLABORATIONS)
    return frozenset(COLLABORATIONS[collaboration]), frozenset([collaboration])


def _people() -> Iterator[Thing]:
    for rule in all_rules():
        yield Thing(f"rule:{rule}")
    for name in default_roles():
        yield Thing(f"role:{name}", rules=rules_of_role(name))
    for name, organization in ROLES.items():
        held = frozenset(HELD_RULES if name == "held" else ROLE_RULES)
        yield replace(of_organization(f"role:{name}", organization), rules=held)
    yield replace(of_organization("user:root", FIRST), rules=rules_of_role("Root"))
    for name, (organization, role) in BYSTANDERS.items():
        held = rules_of_role(role) if role else frozenset()
        yield replace(of_organization(f"user:{name}", organization), rules=held, user=name)
    for actor in users():
        yield replace(of_organization(f"user:{actor.name}", HOME), rules=actor.rules, user=actor.name)


def _work() -> Iterator[Thing]:
    made = {name: (user, BYSTANDERS[user][0], *where) for name, (user, *where) in TASKS.items()}
    made |= {actor.name: (actor.name, HOME, *OF_EVERYBODY) for actor in users()}
    for name, (user, organization, collaboration, runs) in made.items():
        task = Thing(f"task:{name}", frozenset([organization]), frozenset([collaboration]), user)
        yield task
        for at in runs:
            yield replace(task, symbol=f"run:{name}/{at}")


def of_organization(symbol: str, organization: str) -> Thing:
    """Something that belongs to an organization and to no collaboration: it is near wherever the organization is."""
    return Thing(symbol, frozenset([organization]), collaborations_of(organization))


def in_collaboration(name: str, *, organizations: Iterable[str] = ()) -> Thing:
    """Something that is of a collaboration, and of no organization unless some are named."""
    return Thing("", frozenset(organizations), frozenset([name]))


def reaches(actor: Actor, right: str, target: Thing) -> bool:
    """Tell whether a right, written `resource OPERATION`, reaches something.

    Global scope reaches everything; collaboration scope what is in the collaborations of one's organization, and what
    is its own; organization scope what is its own; own scope what one has made.
    """
    held = scopes(actor, right)
    mine = HOME in target.organizations
    near = bool(target.collaborations & _within(actor))
    return (
        "GLOBAL" in held
        or ("COLLABORATION" in held and (near or (mine and actor.kind != "container in place")))
        or ("ORGANIZATION" in held and mine)
        or ("OWN" in held and actor.kind == "user" and target.user == actor.name)
    )


def scopes(actor: Actor, right: str) -> frozenset[str]:
    """The scopes with which somebody holds a right."""
    resource, operation = right.split()
    parts = (rule.split(":") for rule in actor.rules)
    return frozenset(scope for of, scope, does in parts if (of, does) == (resource, operation))


def _within(actor: Actor) -> frozenset[str]:
    return frozenset([actor.place or ""]) if actor.kind == "container in place" else actor.collaborations


def relation(actor: Actor, target: Thing) -> str:
    """Say what something is to whoever asks, for people."""
    if actor.kind == "user" and target.user == actor.name:
        return "own"
    if HOME in target.organizations:
        return "same organization"
    if target.collaborations & actor.collaborations:
        return "same collaboration"
    if target.organizations & partners_of(HOME):
        return "of a partner, elsewhere"
    return "other"
