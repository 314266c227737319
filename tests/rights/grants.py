"""What may be given and taken: nobody gives a rule that they do not have, or takes one, or raises themselves.

One table for each way to do it, with every rule (or role) as everybody who may do it at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import scene
from .judge import Cell
from .rows import DENIED
from .scene import Actor, Thing, reaches, thing
from .world import World

_OK, _CREATED = 200, 201
_SOME_RULES = ("port:ORGANIZATION:VIEW", "user:ORGANIZATION:CREATE", "user:GLOBAL:CREATE", "task:GLOBAL:DELETE")


@dataclass(frozen=True)
class Way:
    """One way to give or take something.

    Attributes:
        name: for people.
        method: of the request.
        path: below `/api`; `{id}` is what is changed, `{rule}` a rule.
        right: what is needed to do it at all.
        on: what is changed; `self` in a symbol is the caller's own account.
        given: what is given or taken, each alone.
        body: what is sent; `@given` stands for what is given.
        done: how success is answered.
        never: it succeeds for nobody.
    """

    name: str
    method: str
    path: str
    right: str
    on: str
    given: Sequence[Thing]
    body: Any = None
    done: int = _OK
    never: bool = False


_RULES = scene.of_kind("rule")
_DEFAULT_ROLES = [thing(f"role:{name}") for name in scene.default_roles()]
_NEW_USER = {
    "username": "new.user",
    "password": "Correct-horse-7",
    "email": "new@rights.test",
    "firstname": "New",
    "lastname": "User",
}

WAYS = [
    Way("a rule to a user", "PATCH", "/user/{id}", "user EDIT", "user:weak A", _RULES, {"rules": ["@given"]}),
    Way("a rule to a partner's user", "PATCH", "/user/{id}", "user EDIT", "user:weak B",
        [thing(f"rule:{rule}") for rule in _SOME_RULES], {"rules": ["@given"]}),
    Way("a role to a user", "PATCH", "/user/{id}", "user EDIT", "user:weak A",
        [*_DEFAULT_ROLES, thing("role:A"), thing("role:held")], {"roles": ["@given"]}),
    Way("a role of another organization to a user", "PATCH", "/user/{id}", "user EDIT", "user:weak A",
        [thing("role:B"), thing("role:D")], {"roles": ["@given"]}, never=True),
    Way("a rule to oneself", "PATCH", "/user/{id}", "user EDIT", "user:self",
        [thing(f"rule:{rule}") for rule in _SOME_RULES], {"rules": ["@given"]}, never=True),
    Way("a role to oneself", "PATCH", "/user/{id}", "user EDIT", "user:self",
        [thing("role:A"), thing("role:B")], {"roles": ["@given"]}, never=True),
    # what is taken is what the account has: all of it
    Way("its role from a weaker user", "PATCH", "/user/{id}", "user EDIT", "user:maker A", [thing("role:Researcher")],
        {"roles": []}),
    Way("its role from a stronger user", "PATCH", "/user/{id}", "user EDIT", "user:strong A", [thing("role:Root")],
        {"roles": []}),
    Way("a rule to a new user", "POST", "/user", "user CREATE", "", [thing(f"rule:{rule}") for rule in _SOME_RULES],
        {**_NEW_USER, "rules": ["@given"]}, done=_CREATED),
    Way("a role to a new user", "POST", "/user", "user CREATE", "",
        [thing("role:Root"), thing("role:Viewer"), thing("role:container"), thing("role:A")],
        {**_NEW_USER, "roles": ["@given"]}, done=_CREATED),
    Way("a rule to a new role", "POST", "/role", "role CREATE", "", _RULES, {"name": "new", "rules": ["@given"]},
        done=_CREATED),
    Way("a rule to a role", "POST", "/role/{id}/rule/{rule}", "role EDIT", "role:held", _RULES, done=_CREATED),
    Way("another rule to a role, and its own away", "PATCH", "/role/{id}", "role EDIT", "role:A",
        [thing(f"rule:{rule}") for rule in (*_SOME_RULES, *scene.ROLE_RULES)], {"rules": ["@given"]}),
    Way("its rule from a role", "DELETE", "/role/{id}/rule/{rule}", "role EDIT", "role:A",
        [thing(f"rule:{rule}") for rule in scene.ROLE_RULES]),
]  # fmt: skip


def cells_of(way: Way, world: World) -> Iterator[Cell]:
    """Everything that a table says."""
    for actor in scene.users():
        target = _target(way, actor)
        if not reaches(actor, way.right, target):
            continue  # that is in the matrix
        for given in way.given:
            yield _cell(way, actor, target, given, world)


def _target(way: Way, actor: Actor) -> Thing:
    if not way.on:
        return scene.of_organization("", scene.HOME)
    return thing(f"user:{actor.name}" if way.on == "user:self" else way.on)


def _cell(way: Way, actor: Actor, target: Thing, given: Thing, world: World) -> Cell:
    number = world.ids[given.symbol]
    moved = _rules(given)
    if way.method == "PATCH" and target.symbol == "role:A":
        moved = moved ^ target.rules  # it comes, and what was there goes
    succeeds = not way.never and moved <= actor.rules
    is_there = way.method == "POST" and moved <= target.rules and bool(target.symbol)
    return Cell(
        actor=actor,
        method=way.method,
        path="/api" + way.path.format(id=world.ids.get(target.symbol), rule=number),
        body=_filled(way.body, number),
        expected=[way.done if succeeds else DENIED],
        writes=succeeds and bool(moved) and not is_there,
        name=f"{actor.name}: {given.symbol} -> {target.symbol}",
    )


def _rules(given: Thing) -> frozenset[str]:
    return frozenset([given.symbol.removeprefix("rule:")]) if given.symbol.startswith("rule:") else given.rules


def _filled(body: Any, number: int) -> Any:
    if isinstance(body, dict):
        return {name: _filled(item, number) for name, item in body.items()}
    if isinstance(body, list):
        return [_filled(item, number) for item in body]
    return number if body == "@given" else body
