"""The objects that exist for one case only, made when a case names them.

Owns what each of these symbols stands for; `world` owns those that are always there.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from .recording import Cell
from .world import World, WorldError, rule_place, store

Make = Callable[[World, str], Awaitable[None]]

_SOLO = "solo"


async def prepare(world: World, cells: Sequence[Cell]) -> None:
    """Make what the requests of these cells name and the world does not have, and what else was there."""
    for symbol in symbols_in([cell.request for cell in cells]):
        await ensure(world, symbol)
    more = _BEFORE.get(cells[0].case)
    if more is not None:
        await more(world)


def prepares(world: World, cells: Sequence[Cell]) -> bool:
    """Whether `prepare` has anything to do."""
    unknown = (symbol for symbol in symbols_in([cell.request for cell in cells]) if not world.symbols.knows(symbol))
    return cells[0].case in _BEFORE or any(_is_made(symbol) for symbol in unknown)


def _is_made(symbol: str) -> bool:
    kind, _, name = symbol.partition(":")
    if kind == "run":
        return _is_made(f"task:{name.rpartition('.')[0]}")
    return symbol in _NAMED or (kind in _MAKERS and name in _DISPOSABLE)


async def ensure(world: World, symbol: str) -> None:
    """Make what a symbol stands for, unless it is there."""
    kind, _, name = symbol.partition(":")
    if world.symbols.knows(symbol) or name == "NONE":
        return
    if kind == "run":
        await ensure(world, f"task:{name.rpartition('.')[0]}")
        return
    if not _is_made(symbol):
        return
    make = _NAMED.get(symbol) or _MAKERS[kind]
    try:
        await make(world, name)
    except WorldError as error:
        world.missing[symbol] = str(error)


def add_makers(makers: Mapping[str, Make]) -> None:
    """Say how further symbols are made, each of them alone."""
    _NAMED.update(makers)


_NAMED: dict[str, Make] = {}


def symbols_in(value: Any) -> Iterator[str]:
    """The symbols whose places occur in a request, each once, in order."""
    found: dict[str, None] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            for item in part.values():
                look(item)
        elif isinstance(part, list | tuple):
            for item in part:
                look(item)
        elif isinstance(part, str):
            for piece in part.split("{")[1:]:
                found.setdefault(piece.partition("}")[0], None)

    look(value)
    return iter(found)


async def _root_has_a_name(world: World) -> None:
    await world.make("root", "PATCH", "/user/{user:root}", {"lastname": "Last"})


async def _places_are_taken(world: World) -> None:
    """Nodes of an earlier case were still there."""
    for name in ("dA", "dE"):
        await ensure(world, f"node:{name}")


async def before(world: World, cell: Cell) -> bool:
    """Do what the recording shows to have been done before a single request; whether there was anything to do."""
    if cell.group != "PATCH /run/{id}" or cell.effect is None or cell.status < _REFUSED:
        return False
    if cell.effect.get("body", {}).get("status") != "active":
        return False
    run = cell.path[len("/run/{run:") : -1]
    node = {"dr.A": "A1", "dr.B": "B1", "drE.B": "B3", "drE.E": "E3"}[run]
    await world.report(run, node, log="hello", status="active")  # of an earlier request that was not undone
    return True


_REFUSED = 400


async def _user(world: World, name: str) -> None:
    fields = {"username": f"disposable-{name}", "email": f"{name}@disposable.test", "firstname": "d", "lastname": "d"}
    await world.user(name, name[1], **fields)


async def _node(world: World, name: str) -> None:
    await world.node(name, name[1], f"{_SOLO}{name[1]}", name=f"disposable-{name}")


async def _organization(world: World, name: str) -> None:
    await world.create(f"org:{name}", "/organization", {"name": f"disposable-{name}"})


async def _collaboration(world: World, name: str) -> None:
    members = [f"{{org:{name[1]}}}"]
    body = {"name": f"disposable-{name}", "organization_ids": members, "encrypted": False}
    await world.create(f"col:{name}", "/collaboration", body)


async def _role(world: World, name: str) -> None:
    body = {
        "name": f"disposable-{name}",
        "description": "d",
        "organization_id": f"{{org:{name[1]}}}",
        "rules": [rule_place("node|ORGANIZATION|VIEW")],
    }
    await world.create(f"role:{name}", "/role", body)


async def _study(world: World, name: str) -> None:
    collaboration, member = {"d1": ("c1", "A"), "d2": ("c1", "B"), "d5": ("c3", "E")}[name]
    body = {
        "name": f"disposable-{name}",
        "collaboration_id": f"{{col:{collaboration}}}",
        "organization_ids": [f"{{org:{member}}}"],
    }
    await world.create(f"study:{name}", "/study", body)


async def _store(world: World, name: str) -> None:
    collaboration = {"dall": None, "dc1": "c1", "dc3": "c3", "dmv": "c1"}[name]
    await store(world, name, f"disposable-{name}", collaboration)


async def _task(world: World, name: str) -> None:
    collaboration, creator, organizations = _WORK[name]
    given = {"input": "//768IAgbm90IHV0Zi04IMMo"} if collaboration == "c2" else {}
    await world.task(name, creator, organizations, collaboration_id=f"{{col:{collaboration}}}", job=False, **given)


_WORK = {
    "dA1": ("c1", "A.Researcher", ["A", "B"]),
    "dA2": ("c2", "A.Researcher", ["A", "C"]),
    "dB1": ("c1", "B.Researcher", ["A", "B"]),
    "dB3": ("c3", "B.Researcher", ["B", "E"]),
    "dE3": ("c3", "E.Researcher", ["B", "E"]),
    "dkA": ("c1", "A.Researcher", ["A", "B"]),
    "dkE": ("c3", "E.Researcher", ["B", "E"]),
    "dr": ("c1", "A.Researcher", ["A", "B"]),
    "drE": ("c3", "E.Researcher", ["B", "E"]),
}

_BEFORE: dict[str, Callable[[World], Awaitable[None]]] = {
    "PATCH /user/{user:root}": _root_has_a_name,
    "POST /node [A]": _places_are_taken,
    "POST /node [E]": _places_are_taken,
    "POST /node [default]": _places_are_taken,
}
"""What the recordings show to have been so before these cases."""

_DISPOSABLE = frozenset(
    {"dA", "dB", "dC", "dD", "dE", "dx", "d1", "d2", "d5", "dall", "dc1", "dc3", "dmv", *_WORK},
)

_MAKERS: dict[str, Make] = {
    "user": _user,
    "node": _node,
    "org": _organization,
    "col": _collaboration,
    "role": _role,
    "study": _study,
    "store": _store,
    "task": _task,
}
