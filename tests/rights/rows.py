"""How the table of rights is written: a row for each route, and in it what is tried there.

A row says who may call at all, and of each try on which things it is made and whom it must succeed for. It is written
from the contract and must not know how a service decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .scene import Actor, Thing, in_collaboration, of_kind, of_organization, reaches, scopes, thing

USER, NODE, CONTAINER = "user", "node", "container"
EVERYBODY = (USER, NODE, CONTAINER)

DENIED = 401
WRONG_KIND = 403
UNKNOWN = 404

Verdict = bool | int
"""Whether it succeeds; or the status with which it is answered."""
May = Callable[[Actor, Thing], Verdict]


@dataclass(frozen=True)
class Try:
    """One way to call a route, made by everybody on each of some things.

    Attributes:
        may: who succeeds with what; a number is another answer than success or refusal.
        on: what it is tried on; `user:self` and `task:self` are the caller's own.
        body: what is sent; `@kind:name` is an id, `@target` that of what it is tried on.
        query: behind the path.
        at: what stands in further places of the path, by name; `@kind:name` is an id.
        then: how success is answered.
        writes: whether success changes something; if None, whatever is not a GET does.
        nothing: how it is answered for an id that nothing has; False: that is not tried.
        what: says what is special about it, where a row has several.
    """

    may: May
    on: Sequence[Thing] = ()
    body: Any = None
    query: str = ""
    at: Mapping[str, str] = field(default_factory=dict)
    then: int = 200
    writes: bool | None = None
    nothing: May | int | bool = UNKNOWN
    what: str = ""


@dataclass(frozen=True)
class Row:
    """All that is tried at one route.

    Attributes:
        call: method and path, as the service declares it.
        who: the kinds of callers that it is for; everybody else with a good token is refused as of the wrong kind.
        tries: what is tried.
        unfinished: further statuses that count as right, for as long as what is behind the route is not there yet.
    """

    call: str
    who: Sequence[str]
    tries: Sequence[Try]
    unfinished: Sequence[int] = ()

    @property
    def method(self) -> str:
        """The method."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path below `/api`, with places."""
        return self.call.partition(" ")[2].removeprefix("/api")


@dataclass(frozen=True)
class OpenRow:
    """A route that needs no token, and answers everybody the same.

    Attributes:
        call: method and path.
        status: how it answers.
        body: what is sent.
        at: what stands in the places of the path.
    """

    call: str
    status: int
    body: Any = None
    at: Mapping[str, str] = field(default_factory=dict)


def needs(right: str, *also: May) -> May:
    """Whoever's right reaches the thing, if all the rest agrees."""

    def may(actor: Actor, target: Thing) -> bool:
        return reaches(actor, right, target) and all(condition(actor, target) for condition in also)

    return may


def by_collaboration(right: str) -> May:
    """Whoever's right reaches the thing's collaboration: that the thing is of one's organization does not count."""
    return lambda actor, target: reaches(actor, right, replace(target, organizations=frozenset()))


def needs_globally(right: str) -> May:
    """Whoever has the right with global scope."""
    return lambda actor, _target: "GLOBAL" in scopes(actor, right)


def anybody(_actor: Actor, _target: Thing) -> bool:
    """Every caller of the right kind."""
    return True


def nobody(_actor: Actor, _target: Thing) -> bool:
    """No caller at all."""
    return False


def only(kind: str, condition: May) -> May:
    """A condition that callers of one kind have to meet, and others not."""
    return lambda actor, target: actor.kind != kind or condition(actor, target)


def except_by(*kinds: str) -> May:
    """Callers of other kinds only."""
    return lambda actor, _target: actor.kind not in kinds


def themselves(actor: Actor, target: Thing) -> bool:
    """What calls is what is called for."""
    return target.symbol == f"{actor.kind}:{actor.name.partition(' ')[2] if actor.kind == NODE else actor.name}"


def own(actor: Actor, target: Thing) -> bool:
    """Of the caller's organization."""
    return reaches(Actor(actor.name, rules=frozenset(["any:ORGANIZATION:THING"])), "any THING", target)


def holds_all(actor: Actor, target: Thing) -> bool:
    """The caller has every rule that the thing has."""
    return target.rules <= actor.rules


def but(status: int, where: May, otherwise: May) -> May:
    """Another answer for some of those who would succeed."""

    def may(actor: Actor, target: Thing) -> Verdict:
        verdict = otherwise(actor, target)
        return status if verdict is True and where(actor, target) else verdict

    return may


ORGANIZATIONS = of_kind("organization")
COLLABORATIONS = of_kind("collaboration")
STUDIES = of_kind("study")
NODES = of_kind("node")
STORES = of_kind("store")
NOWHERE = Thing("")


def things_named(kind: str, *names: str) -> list[Thing]:
    """Some of a kind; `self` is the caller's own."""
    return [Thing(f"{kind}:self") if name == "self" else thing(f"{kind}:{name}") for name in names]


def places(*names: str) -> list[Thing]:
    """Something yet to be made in these collaborations."""
    return [in_collaboration(name) for name in names]


def homes(*names: str) -> list[Thing]:
    """Something yet to be made for these organizations."""
    return [of_organization("", name) for name in names]
