"""What everybody sees in lists: exactly what its rights reach, whatever the list is narrowed by.

Visibility is part of the query: a page is never filtered afterwards, so the total count is that of what is shown. A
filter that names something may be refused to whoever cannot reach what is named; it never shows more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tests.contract.server import Answer

from . import scene
from .judge import Cell
from .rows import DENIED, EVERYBODY, NODE, USER, WRONG_KIND
from .scene import Actor, Thing, in_collaboration, of_organization, reaches, scopes, thing
from .world import World, username_of

Sees = Callable[[Actor, Thing], bool]
_PAGE = "per_page=1000"


@dataclass(frozen=True)
class Narrowed:
    """One filter.

    Attributes:
        query: with ids as `@kind:name`, and `@self` for the caller.
        keeps: what of the visible is left.
        refused: who may not ask this.
        always: everybody may ask this, and sees what is left.
    """

    query: str
    keeps: Sees
    refused: Sees = lambda _actor, _target: False
    always: bool = False


@dataclass(frozen=True)
class Listing:
    """A route that gives a list.

    Attributes:
        call: method and path.
        who: the kinds of callers that it is for.
        kind: of the things in it.
        right: `resource OPERATION` by which things are seen.
        sees: who sees which.
        narrowed: by what.
        is_open: whoever has the right for nothing is not refused, but sees little.
    """

    call: str
    who: Sequence[str]
    kind: str
    right: str
    sees: Sees
    narrowed: Sequence[Narrowed]
    is_open: bool = False

    def refuses(self, actor: Actor) -> bool:
        """Whether it is closed to somebody altogether."""
        return not self.is_open and not scopes(actor, self.right)

    def concerns(self, actor: Actor) -> bool:
        """Whether it is worth while to narrow the list for somebody: not for all who are refused the same."""
        has_something = bool(scopes(actor, self.right)) or bool(actor.roles)
        return actor.kind in self.who and (has_something or actor.name == "nobody")


def cells_of(listing: Listing, world: World) -> Iterator[Cell]:
    """The whole list as everybody, and each narrowed one as everybody whom it concerns."""
    everything = Narrowed("", lambda _actor, _thing: True)
    for narrowed in (everything, *listing.narrowed):
        for actor in scene.actors():
            if narrowed is everything or listing.concerns(actor):
                yield _cell(listing, narrowed, actor, world)


def _cell(listing: Listing, narrowed: Narrowed, actor: Actor, world: World) -> Cell:
    path = listing.call.partition(" ")[2]
    query = world.fill_query(narrowed.query.replace("@self", f"@user:{actor.name}"))
    query = query.replace("{username}", username_of(actor.name))
    shown = {
        world.ids[one.symbol]: one.symbol
        for one in scene.of_kind(listing.kind)
        if (narrowed.always or listing.sees(actor, one)) and narrowed.keeps(actor, one)
    }
    names = {world.ids[one.symbol]: one.symbol for one in scene.of_kind(listing.kind)}

    def shows(answer: Answer) -> str:
        return _difference(answer, shown, names)

    return Cell(
        actor=actor,
        method="GET",
        path=f"{path}?{query}&{_PAGE}" if query else f"{path}?{_PAGE}",
        body=None,
        expected=_expected(listing, narrowed, actor),
        writes=False,
        name=f"{actor.name} ?{narrowed.query}" if narrowed.query else actor.name,
        shows=shows,
    )


def _expected(listing: Listing, narrowed: Narrowed, actor: Actor) -> Sequence[int]:
    if actor.kind == "stranger":
        return [actor.refused if actor.seems is None or actor.seems in listing.who else WRONG_KIND]
    if actor.kind not in listing.who:
        return [WRONG_KIND]
    if narrowed.always:
        return [200]
    return [DENIED if listing.refuses(actor) or narrowed.refused(actor, Thing("")) else 200]


def _difference(answer: Answer, shown: dict[int, str], names: dict[int, str]) -> str:
    ids = [item["id"] for item in answer.body["data"]]
    found = []
    if len(ids) != len(set(ids)):
        found.append("shows something twice")
    for what, difference in (("shows", set(ids) - shown.keys()), ("hides", shown.keys() - set(ids))):
        if difference:
            found.append(f"{what} {', '.join(sorted(names.get(one, str(one)) for one in difference))}")
    if answer.headers.get("total-count") != str(len(shown)):
        found.append(f"counts {answer.headers.get('total-count')} of {len(shown)}")
    return "; ".join(found)


def _by(right: str) -> Sees:
    return lambda actor, target: reaches(actor, right, target)


def _unless(right: str, named: Thing) -> Sees:
    """Refused to whoever's right does not reach what is named; a container is held to its own collaboration."""
    return lambda actor, _target: not reaches(actor.in_place(), right, named)


def _unless_near(right: str, named: Thing) -> Sees:
    """The same for an organization or a user: a container is not held to one collaboration in that."""
    return lambda actor, _target: not reaches(actor, right, named)


def _organization(name: str) -> Thing:
    return of_organization("", name)


def _only(name: str) -> Sees:
    return lambda _actor, target: target.symbol == name


def _symbol_in(*symbols: str) -> Sees:
    return lambda _actor, target: target.symbol in symbols


def _of(*, organization: str | None = None, collaboration: str | None = None) -> Sees:
    return lambda _actor, target: (
        (organization is None or organization in target.organizations)
        and (collaboration is None or collaboration in target.collaborations)
    )


def _of_any(organizations: str) -> Sees:
    return lambda _actor, target: bool(target.organizations & set(organizations))


def _at_nodes_of(organizations: str, collaboration: str) -> Sees:
    return lambda _actor, target: (
        target.organizations <= set(organizations) and target.collaborations == {collaboration}
    )


def _made_by(user: str) -> Sees:
    return lambda _actor, target: target.user == user


def _runs_of(task: str) -> Sees:
    return lambda _actor, target: target.symbol.rpartition("/")[0] == f"run:{task}"


def _runs_at(organization: str, collaboration: str | None = None) -> Sees:
    return lambda _actor, target: (
        target.symbol.endswith(f"/{organization}") and collaboration in (None, *target.collaborations)
    )


def _nobody(_actor: Actor, _target: Thing) -> bool:
    return False


def _if_by_organization_only(right: str) -> Sees:
    return lambda actor, _target: scopes(actor, right) == {"ORGANIZATION"}


def _organizations() -> Listing:
    right = "organization VIEW"
    narrowed = [
        Narrowed(
            f"collaboration_id=@collaboration:{name}",
            _symbol_in(*(f"organization:{one}" for one in members)),
            _unless(right, in_collaboration(name)),
        )
        for name, members in scene.COLLABORATIONS.items()
    ]
    narrowed += [
        Narrowed(
            f"study_id=@study:{name}",
            _symbol_in(*(f"organization:{one}" for one in members)),
            _unless(right, in_collaboration(collaboration)),
        )
        for name, (collaboration, members) in scene.STUDIES.items()
    ]
    narrowed += [
        Narrowed("ids=@organization:A&ids=@organization:D", _symbol_in("organization:A", "organization:D")),
        Narrowed("name=organization D", _only("organization:D")),
    ]
    return Listing("GET /api/organization", EVERYBODY, "organization", right, _by(right), narrowed)


def _collaborations() -> Listing:
    right = "collaboration VIEW"
    narrowed = [
        Narrowed(
            f"organization_id=@organization:{name}",
            _of(organization=name),
            # own one, any with global scope
            _unless(right, Thing("", frozenset(name))),
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed += [Narrowed(f"algorithm_store_id=@store:{name}", _of(collaboration=name)) for name in ("AB", "BD", "DD")]
    narrowed.append(Narrowed("name=BD", _only("collaboration:BD")))
    narrowed.append(Narrowed("include=organizations", lambda _actor, _target: True))
    return Listing("GET /api/collaboration", (USER, NODE), "collaboration", right, _by(right), narrowed)


def _studies() -> Listing:
    right = "study VIEW"
    narrowed = [
        Narrowed(
            f"collaboration_id=@collaboration:{name}",
            _of(collaboration=name),
            _unless(right, in_collaboration(name, organizations=members)),
        )
        for name, members in scene.COLLABORATIONS.items()
    ]
    narrowed += [
        # whoever sees by organization only may ask for its own; what others may name finds nothing that they do not see
        Narrowed(
            f"organization_id=@organization:{name}",
            _of(organization=name),
            _if_by_organization_only(right) if name != scene.HOME else _nobody,
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed.append(Narrowed("name=BD-both", _only("study:BD-both")))
    return Listing("GET /api/study", EVERYBODY, "study", right, _by(right), narrowed)


def _nodes() -> Listing:
    right = "node VIEW"
    narrowed = [
        Narrowed(
            f"organization_id=@organization:{name}", _of(organization=name), _unless_near(right, _organization(name))
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed += [
        Narrowed(
            f"collaboration_id=@collaboration:{name}", _of(collaboration=name), _unless(right, in_collaboration(name))
        )
        for name in scene.COLLABORATIONS
    ]
    narrowed += [
        Narrowed(
            f"study_id=@study:{name}",
            _at_nodes_of(members, collaboration),
            _unless(right, in_collaboration(collaboration)),
        )
        for name, (collaboration, members) in scene.STUDIES.items()
    ]
    narrowed.append(Narrowed("name=D@BD", _only("node:D@BD")))
    return Listing("GET /api/node", (USER, NODE), "node", right, _by(right), narrowed)


def _stores() -> Listing:
    right = "collaboration VIEW"

    def sees(actor: Actor, target: Thing) -> bool:
        return target.symbol == "store:all" or reaches(actor, right, target)

    narrowed = [
        Narrowed(
            f"collaboration_id=@collaboration:{name}",
            _symbol_in("store:all", f"store:{name}"),
            _unless(right, in_collaboration(name, organizations=members)),
        )
        for name, members in scene.COLLABORATIONS.items()
    ]
    narrowed.append(Narrowed("name=DD", _only("store:DD")))
    return Listing("GET /api/algorithmstore", (USER,), "store", right, sees, narrowed)


def _tasks() -> Listing:
    right = "task VIEW"
    narrowed = [
        Narrowed(
            f"collaboration_id=@collaboration:{name}", _of(collaboration=name), _unless(right, in_collaboration(name))
        )
        for name in scene.COLLABORATIONS
    ]
    narrowed += [
        Narrowed(f"init_org_id=@organization:{name}", _of(organization=name), _unless_near(right, _organization(name)))
        for name in scene.ORGANIZATIONS
    ]
    narrowed += [
        Narrowed(
            f"init_user_id=@user:{name}",
            _made_by(name),
            _unless_near(right, thing(f"user:{name}")),
        )
        for name in ("maker A", "maker B", "maker D")
    ]
    narrowed += [
        # what descends from a task may be of others: its collaboration counts, not who made it
        Narrowed(
            f"{parameter}=@task:{name}",
            _only(f"task:{name}" if is_job else ""),
            _unless(right, replace(thing(f"task:{name}"), organizations=frozenset(), user=None)),
        )
        for name in ("A", "B", "AC", "BD", "DD")
        for parameter, is_job in (("job_id", True), ("parent_id", False))
    ]
    narrowed += [Narrowed(f"run_id=@run:{name}/{name[-1]}", _only(f"task:{name}")) for name in ("B", "AC", "BD", "DD")]
    narrowed += [
        Narrowed(
            f"study_id=@study:{name}",
            lambda _actor, _target: False,
            _unless(right, in_collaboration(collaboration)),
        )
        for name, (collaboration, _) in scene.STUDIES.items()
    ]
    narrowed += [
        Narrowed("store_id=@store:DD", lambda _actor, _target: False),
        Narrowed("include=runs", lambda _actor, _target: True),
        # the results of all that one sees: the right to them has to go as far
        Narrowed("include=results", lambda _actor, _target: True, lambda actor, _target: not _sees_as_far(actor)),
        Narrowed("is_user_created=1", lambda _actor, _target: True),
        Narrowed("name=task", lambda _actor, _target: True),
    ]
    return Listing("GET /api/task", EVERYBODY, "task", right, _by(right), narrowed)


def _sees_as_far(actor: Actor) -> bool:
    ladder = ("GLOBAL", "COLLABORATION", "ORGANIZATION", "OWN")
    tasks, runs = scopes(actor, "task VIEW"), scopes(actor, "run VIEW")
    widest = next(scope for scope in ladder if scope in tasks)
    return any(scope in runs for scope in ladder[: ladder.index(widest) + 1])


def _runs(call: str) -> Listing:
    right = "run VIEW"

    def sees(actor: Actor, target: Thing) -> bool:
        # in a list the runs of one's organization are those that it runs, not those that it asked for
        at = target.symbol.rpartition("/")[2]
        return reaches(actor, right, replace(target, organizations=frozenset([at])))

    narrowed = [
        Narrowed(
            f"task_id=@task:{name}",
            _runs_of(name),
            _unless(right, thing(f"task:{name}")),
        )
        for name in ("A", "B", "AC", "BD", "DD")
    ]
    narrowed += [
        Narrowed(
            f"node_id=@node:{name}",
            _runs_at(*scene.NODES[name]),
            _unless(right, replace(thing(f"node:{name}"), organizations=frozenset())),
        )
        for name in scene.NODES
    ]
    narrowed += [
        Narrowed(
            f"collaboration_id=@collaboration:{name}", _of(collaboration=name), _unless(right, in_collaboration(name))
        )
        for name in scene.COLLABORATIONS
    ]
    narrowed += [
        Narrowed(
            f"organization_id=@organization:{name}",
            _runs_at(name),
            _unless_near(right, _organization(name)),
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed.append(Narrowed("state=open", lambda _actor, target: not target.symbol.startswith("run:ended/")))
    return Listing(call, EVERYBODY, "run", right, sees, narrowed)


def _users() -> Listing:
    right = "user VIEW"
    narrowed = [
        Narrowed(
            f"organization_id=@organization:{name}", _of(organization=name), _unless_near(right, _organization(name))
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed += [
        Narrowed(
            f"collaboration_id=@collaboration:{name}",
            _of_any(members),
            _unless(right, in_collaboration(name)),
        )
        for name, members in scene.COLLABORATIONS.items()
    ]
    narrowed += [
        Narrowed(f"role_id=@role:{name}", lambda _actor, _target: False, _unless(right, thing(f"role:{name}")))
        for name in ("A", "B", "D")
    ]
    narrowed += [
        Narrowed("role_id=@role:held", _only("user:holder"), _unless(right, thing("role:held"))),
        Narrowed("role_id=@role:Root", _symbol_in("user:root", "user:role Root", "user:strong A", "user:strong B")),
        Narrowed("username=weak.B", _only("user:weak B")),
        Narrowed("username={username}", lambda actor, target: target.symbol == f"user:{actor.name}", always=True),
    ]
    return Listing("GET /api/user", (USER,), "user", right, _by(right), narrowed)


def _roles() -> Listing:
    right = "role VIEW"
    default = {f"role:{name}" for name in scene.default_roles()}

    def sees(actor: Actor, target: Thing) -> bool:
        if target.symbol.removeprefix("role:") in actor.roles:
            return True
        return bool(scopes(actor, right)) if target.symbol in default else reaches(actor, right, target)

    narrowed = [
        Narrowed(
            f"organization_id=@organization:{name}", _of(organization=name), _unless_near(right, _organization(name))
        )
        for name in scene.ORGANIZATIONS
    ]
    narrowed += [
        Narrowed(
            f"collaboration_id=@collaboration:{name}",
            _of_any(members),
            _unless(right, in_collaboration(name)),
        )
        for name, members in scene.COLLABORATIONS.items()
    ]
    narrowed += [
        Narrowed(
            f"user_id=@user:{name}",
            _only(f"role:{scene.BYSTANDERS[name][1]}"),
            _unless_near(right, thing(f"user:{name}")),
        )
        for name in ("weak A", "strong A", "maker B", "maker D")
    ]
    narrowed += [
        Narrowed("user_id=@self", lambda actor, target: target.symbol.removeprefix("role:") in actor.roles),
        Narrowed("name=role D", _only("role:D")),
    ]
    return Listing("GET /api/role", (USER,), "role", right, sees, narrowed, is_open=True)


def _rules() -> Listing:
    roles = _roles()

    def sees_role(name: str) -> Sees:
        return lambda actor, _target: not roles.sees(actor, thing(f"role:{name}"))

    # rules-of-anyone: what a role or user holds is told to whoever sees the role, or the roles of the user
    narrowed = [
        Narrowed(f"role_id=@role:{name}", _rules_in(f"role:{name}"), sees_role(name))
        for name in ("A", "held", "B", "D", "Viewer")
    ]
    narrowed += [
        Narrowed(f"user_id=@user:{name}", _rules_in(f"user:{name}"), _unless("role VIEW", thing(f"user:{name}")))
        for name in ("maker A", "maker B", "maker D")
    ]
    narrowed.append(Narrowed("user_id=@self", lambda actor, target: target.symbol.removeprefix("rule:") in actor.rules))
    return Listing("GET /api/rule", (USER,), "rule", "role VIEW", lambda _actor, _target: True, narrowed, is_open=True)


def _rules_in(symbol: str) -> Sees:
    return lambda _actor, target: target.symbol.removeprefix("rule:") in thing(symbol).rules


LISTS = [
    _organizations(),
    _collaborations(),
    _studies(),
    _nodes(),
    _stores(),
    _tasks(),
    _runs("GET /api/run"),
    _runs("GET /api/result"),
    _users(),
    _roles(),
    _rules(),
]
