"""The recorded exchanges, read from the files beside this module.

Knows the form in which they are stored, not what they mean.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SUITES = ("lists", "matrix", "calls", "twofa", "sockets")
FOLDER = Path(__file__).with_name("recordings")


@dataclass(frozen=True)
class Cell:
    """One request and what came back.

    Attributes:
        suite: the file it is from.
        name: unique in the suite.
        case: what it was part of; in the matrix, the request whoever makes it.
        step: which part of the case it is; in the matrix, the actor.
        group: method and path without ids.
        actor: who asked.
        request: `method`, `path`, `query`, `body`, `raw`, `headers`, or `observe`.
        status: of the answer; 0 for an observation.
        body: of the answer, in normal form.
        effect: what root saw of the target afterwards, in normal form; None if nobody looked.
        headers: of the answer, those that matter.
    """

    suite: str
    name: str
    case: str
    step: str
    group: str
    actor: str
    request: Mapping[str, Any]
    status: int
    body: Any
    effect: Any
    headers: Mapping[str, str]

    @property
    def method(self) -> str:
        """The request's method; empty for an observation."""
        return str(self.request.get("method", ""))

    @property
    def path(self) -> str:
        """The request's path below `/api`, with symbols; empty for an observation."""
        return str(self.request.get("path", ""))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The request's query in the order in which it was asked."""
        query = self.request.get("query") or {}
        if not isinstance(query, Mapping):
            return [(name, value) for name, value in query]
        # the file keeps the keys sorted; the order in which they were asked shows in the name
        return sorted(query.items(), key=lambda item: self.case.find(f"{item[0]}="))

    def asks(self, name: str) -> bool:
        """Whether the query has a parameter of this name."""
        return any(name == given for given, _ in self.query)


@cache
def cells(suite: str) -> Sequence[Cell]:
    """All cells of a suite."""
    with gzip.open(FOLDER / f"{suite}.json.gz", "rt", encoding="utf-8") as file:
        stored = json.load(file)
    bodies = stored["bodies"]
    return [_cell(suite, name, cell, bodies) for name, cell in stored["cells"].items()]


@cache
def cases(suite: str) -> Mapping[str, Sequence[Cell]]:
    """The cells of a suite by case."""
    found: dict[str, list[Cell]] = {}
    for cell in cells(suite):
        found.setdefault(cell.case, []).append(cell)
    return found


@cache
def world() -> Mapping[str, Any]:
    """What is said about the world of the recordings."""
    return dict(json.loads((FOLDER / "world.json").read_text(encoding="utf-8")))


def _cell(suite: str, name: str, stored: Mapping[str, Any], bodies: Mapping[str, Any]) -> Cell:
    case = stored.get("case")
    if case is None:  # the matrix: "actor|request"
        step, _, case = name.partition("|")
    else:
        step = name.removeprefix(f"{case}/")
    return Cell(
        suite=suite,
        name=name,
        case=case,
        step=step,
        group=stored["group"],
        actor=stored["actor"],
        request=stored["request"],
        status=stored["status"],
        body=bodies[stored["body"]],
        effect=bodies[stored["effect"]] if "effect" in stored else None,
        headers=stored.get("headers") or {},
    )
