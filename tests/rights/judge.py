"""Makes all the tries of a row as everybody, and says what came out otherwise than the table says."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from sextant_shared.http.access import Peer, declared_routes
from sextant_shared.http.service import Service
from tests.contract.server import Answer

from . import scene
from .rows import DENIED, WRONG_KIND, OpenRow, Row, Try
from .scene import Actor, Thing, relation
from .world import NOTHING, World

_ERRORS = 400
_UNREADABLE = 422
_AT_ONCE = 24
_ANY_PLACE = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Cell:
    """One request of one caller, and how it has to be answered.

    Attributes:
        actor: who asks.
        method: of the request.
        path: below `/api`.
        body: with ids.
        expected: any of these statuses.
        writes: whether it has to change something; else it must not.
        name: for people.
        shows: says what is wrong with what a successful answer shows.
        app: who is asked, if not the gateway.
    """

    actor: Actor
    method: str
    path: str
    body: Any
    expected: Sequence[int]
    writes: bool
    name: str
    shows: Callable[[Answer], str] | None = None
    app: ASGIApp | None = None


@dataclass(frozen=True)
class Verdicts:
    """What came out of a row.

    Attributes:
        wrong: what was not as the table says, one line each.
        count: how many requests were made.
    """

    wrong: Sequence[str]
    count: int


def cells_of(row: Row, world: World) -> Iterator[Cell]:
    """Everything that a row says."""
    for attempt in row.tries:
        targets = [*(attempt.on or [Thing("")])]
        if attempt.nothing is not False and any(one.symbol for one in targets):
            targets.append(Thing("nothing"))
        for target in targets:
            for actor in scene.actors():
                found = _resolved(target, actor)
                if found is not None:
                    yield _cell(row, attempt, actor, found, world)


def open_cells(row: OpenRow, _world: World) -> Iterator[Cell]:
    """The one request of everybody at a route that needs no token."""
    method, _, path = row.call.partition(" ")
    for actor in scene.actors():
        yield Cell(actor, method, path.format(**row.at), row.body, [row.status], writes=False, name=actor.name)


async def judged(cells: Iterable[Cell], world: World) -> Verdicts:
    """Make the requests, and return to the first state after each that changed anything."""
    made = list(cells)
    wrong: list[str] = []
    # whatever must not change anything can be asked at once: if one does, all are told
    for begin in range(0, len(made), _AT_ONCE):
        together = [cell for cell in made[begin : begin + _AT_ONCE] if not cell.writes]
        found = await asyncio.gather(*[_answered(cell, world) for cell in together])
        wrong += [f"{cell.name}: {problem}" for cell, problem in zip(together, found, strict=True) if problem]
        changed = await _taken_back(world)
        if changed:
            wrong.append(f"{changed} changed by one of: {', '.join(cell.name for cell in together)}")
    for cell in made:
        if cell.writes:
            problem = await _answered(cell, world)
            changed = await _taken_back(world)
            if not problem and not changed:
                problem = "answered as it should be, but changed nothing"
            if problem:
                wrong.append(f"{cell.name}: {problem}")
    return Verdicts(wrong, len(made))


async def _answered(cell: Cell, world: World) -> str:
    """Make a request; says what is wrong with the answer."""
    token = world.tokens[cell.actor.name]
    answer = await world.server.request(cell.method, cell.path, token=token, body=cell.body, app=cell.app)
    if answer.status not in cell.expected:
        shown = answer.body if isinstance(answer.body, dict) else {}
        return f"{answer.status} instead of {' or '.join(map(str, cell.expected))} ({shown.get('msg', '')})"
    if answer.status >= _ERRORS and not _explains(answer.body):
        return f"{answer.status} without an explanation: {answer.content[:80]!r}"
    if answer.status < _ERRORS and cell.shows is not None:
        return cell.shows(answer)
    return ""


async def _taken_back(world: World) -> str:
    """Return to the first state; names the tables that were not in it."""
    changed = await world.server.changes()
    if changed:
        await world.server.restore(changed)
    return ", ".join(sorted(changed))


def _explains(body: Any) -> bool:
    return isinstance(body, dict) and {"msg", "code", "request_id"} <= body.keys()


def _resolved(target: Thing, actor: Actor) -> Thing | None:
    kind, _, name = target.symbol.partition(":")
    if name != "self":
        return target
    return scene.thing(f"{kind}:{actor.name}") if actor.kind == "user" else None


def _cell(row: Row, attempt: Try, actor: Actor, target: Thing, world: World) -> Cell:
    expected = _expected(row, attempt, actor, target)
    number = NOTHING if target.symbol == "nothing" else world.ids.get(target.symbol)
    succeeds = min(expected) < _ERRORS
    writes = attempt.writes if attempt.writes is not None else row.method != "GET"
    body = attempt.body(target) if callable(attempt.body) else attempt.body
    return Cell(
        actor=actor,
        method=row.method,
        path="/api" + _path(row, attempt, number, world) + world.fill_query(attempt.query),
        body=world.fill(_with_target(body, number)),
        expected=expected,
        writes=writes and succeeds and not row.unfinished,
        name=_name(attempt, actor, target),
    )


def _name(attempt: Try, actor: Actor, target: Thing) -> str:
    about = f" -> {_shown(target)}" if target.symbol or target.organizations or target.collaborations else ""
    known = about and target.symbol != "nothing"
    return (
        actor.name
        + about
        + (f" ({relation(actor, target)})" if known else "")
        + (f" [{attempt.what}]" * bool(attempt.what))
    )


def _shown(target: Thing) -> str:
    if target.symbol:
        return target.symbol
    return f"for {'+'.join(sorted(target.organizations)) or '-'} in {'+'.join(sorted(target.collaborations)) or '-'}"


def _expected(row: Row, attempt: Try, actor: Actor, target: Thing) -> Sequence[int]:
    if actor.kind == "stranger":
        # whose token speaks for another kind hears that first, whatever else is wrong with it
        if actor.seems is not None and actor.seems not in row.who:
            return [WRONG_KIND]
        return [actor.refused, *(row.unfinished if actor.seems else ())]
    if actor.kind not in row.who:
        return [WRONG_KIND]
    if target.symbol == "nothing":
        verdict = attempt.nothing(actor, target) if callable(attempt.nothing) else attempt.nothing
        return [int(verdict), *row.unfinished]
    verdict = attempt.may(actor, target)
    if verdict is True:
        return [attempt.then, *row.unfinished]
    return [DENIED if verdict is False else int(verdict), *row.unfinished]


def _path(row: Row, attempt: Try, number: int | None, world: World) -> str:
    places = {
        name: str(world.ids[said.removeprefix("@")]) if said.startswith("@") else said
        for name, said in attempt.at.items()
    }
    path = row.path
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    before, brace, rest = path.partition("{")
    return f"{before}{number}{rest.partition('}')[2]}" if brace else path


def _with_target(body: Any, number: int | None) -> Any:
    if isinstance(body, dict):
        return {name: _with_target(item, number) for name, item in body.items()}
    return number if body == "@target" else body


def internal_cells(services: Iterable[Service], _world: World) -> Iterator[Cell]:
    """Everybody at the routes between services, past the gateway: each must refuse them."""
    for service in services:
        for call, rule in declared_routes(service.app).items():
            if not isinstance(rule, Peer):
                continue
            method, _, path = call.partition(" ")
            for actor in scene.actors():
                if actor.name == "service token":
                    continue  # it may
                name = f"{actor.name} at {service.name}: {call}"
                expected = _refusals_inside(actor)
                yield Cell(
                    actor,
                    method,
                    _ANY_PLACE.sub("1", path),
                    None,
                    expected,
                    writes=False,
                    name=name,
                    app=service.asgi,
                )


def _refusals_inside(actor: Actor) -> Sequence[int]:
    # an access token is no service token
    return [actor.refused if actor.name in ("anonymous", "expired token") else _UNREADABLE]
