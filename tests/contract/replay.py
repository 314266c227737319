"""Makes the recorded requests again and compares what comes back.

Owns what counts as the same answer. Where the recording is not the target, `deviations` says what is.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from .normal import normal, normal_links, plain
from .recording import SUITES, Cell, cells
from .server import Answer
from .world import World

_LISTS = (
    "allow",
    "vary",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
)
_FIRST_ERROR = 400
_FIRST_FAULT = 500
_LONGEST = 400


@dataclass(frozen=True)
class Seen:
    """What we answered to a cell's request.

    Attributes:
        status: of the answer.
        body: in normal form.
        headers: as they came, but links in normal form.
        effect: what root saw afterwards, in normal form; None if the recording has none.
        items: of a list, all of them.
        made: the body as it came.
    """

    status: int
    body: Any
    headers: Mapping[str, str]
    effect: Any = None
    items: Sequence[Any] = ()
    made: Any = None


async def perform(world: World, cell: Cell) -> Seen:
    """Make the request of a cell.

    Raises:
        KeyError: the world has no such object or actor.
    """
    answer = await world.server.ask(
        cell.method, address(world, cell), headers=await _headers(world, cell), content=_content(world, cell)
    )
    effect = None
    if cell.effect is not None:
        effect = await _effect(world, cell)
    return seen(world, cell.path, answer, effect)


def address(world: World, cell: Cell) -> str:
    """The path and query of a cell's request, with ids."""
    names = {"{self}": f"{{user:{cell.actor}}}", "{selfname}": cell.actor}

    def fill(text: str) -> str:
        for name, value in names.items():
            text = text.replace(name, value)
        return world.symbols.fill_text(text)

    query = "&".join(f"{quote_plus(name)}={quote_plus(fill(value))}" for name, value in cell.query)
    path = quote(fill(cell.path), safe="/%")
    return f"/api{path}" + (f"?{query}" if query else "")


def seen(world: World, path: str, answer: Answer, effect: Any = None) -> Seen:
    """Put an answer into normal form."""
    headers = dict(answer.headers)
    if "link" in headers:
        headers["link"] = normal_links(headers["link"], world.symbols)
    body = normal(answer.body, path, world.symbols, world.addresses)
    items: Sequence[Any] = ()
    if isinstance(body, dict) and "_ids" in body:
        items = plain(answer.body, path, world.symbols, world.addresses)["data"]
    return Seen(answer.status, body, headers, effect, items, answer.body)


def changes(cell: Cell, answer: Seen) -> bool:
    """Whether the request may have changed something."""
    if cell.method in ("GET", "HEAD", "OPTIONS", ""):
        return False
    counted = cell.path.startswith(("/token/user", "/recover/", "/password/"))
    return answer.status < _FIRST_ERROR or answer.status >= _FIRST_FAULT or counted


def differences(cell: Cell, answer: Seen) -> list[str]:
    """In what the answer is not the recorded one; empty if it is."""
    found = []
    if answer.status != cell.status:
        return [f"status {answer.status} instead of {cell.status} ({_short(answer.body)})"]
    found += body_differences(cell.body, _with_one_digest(cell.body, answer.body), cell.status)
    found += [hint for item in answer.items if found for hint in _unlike_any(item)]
    found += header_differences(cell, answer)
    if cell.effect is not None:
        found += [f"afterwards: {difference}" for difference in value_differences(cell.effect, answer.effect)]
    return found


def _with_one_digest(expected: Any, actual: Any) -> Any:
    """Leave the digest of the sorted items alone where that of the items in order is right: it is of the same items."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.get("_digest") == actual.get("_digest"):
        return actual | {key: expected[key] for key in actual.keys() & expected.keys() & {"_sorted_digest"}}
    return actual


def body_differences(expected: Any, actual: Any, status: int) -> list[str]:
    """In what a body is not the recorded one; an error may say more than the recorded one does."""
    if status >= _FIRST_ERROR and isinstance(actual, dict) and isinstance(expected, dict):
        actual = {key: value for key, value in actual.items() if key in expected}
    return value_differences(expected, actual)


def header_differences(cell: Cell, answer: Seen) -> list[str]:
    """In what the headers that matter are not the recorded ones."""
    found = []
    origin = "Origin" in (cell.request.get("headers") or {})
    for name, expected in cell.headers.items():
        actual = answer.headers.get(name, "")
        if name == "content-type":
            same = actual.partition(";")[0] == expected.partition(";")[0] or not cell.body
        elif name == "allow" and origin:
            same = True  # a preflight asks for more than the methods
        elif name.startswith("access-control-") and not origin:
            same = True  # the original tells everybody; we tell browsers
        elif name in _LISTS:
            same = _words(expected) <= _words(actual)
        elif name == "jwt-token":
            same = bool(actual)
        else:
            same = actual == expected
        if not same:
            found.append(f"header {name}: {actual!r} instead of {expected!r}")
    return found


def value_differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """In what two values differ, by the path to it."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = [f"{where}.{key} is missing" for key in expected.keys() - actual.keys()]
        found += [f"{where}.{key} is too much" for key in actual.keys() - expected.keys()]
        for key in sorted(expected.keys() & actual.keys()):
            found += value_differences(expected[key], actual[key], f"{where}.{key}")
        return sorted(found)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            difference
            for number, (one, other) in enumerate(zip(expected, actual, strict=True))
            for difference in value_differences(one, other, f"{where}[{number}]")
        ]
    if expected == actual and type(expected) is type(actual):
        return []
    return [f"{where or 'body'}: {_short(actual)} instead of {_short(expected)}"]


async def _headers(world: World, cell: Cell) -> dict[str, str]:
    headers = await world.headers(cell.actor)
    if "body" in cell.request:
        headers["content-type"] = "application/json"
    for name, value in (cell.request.get("headers") or {}).items():
        headers[name.lower()] = world.symbols.fill_text(value)
    return headers


def _content(world: World, cell: Cell) -> bytes | None:
    if "body" in cell.request:
        body = world.symbols.fill(cell.request["body"])
        if isinstance(body, dict) and str(body.get("mfa_code", "")).startswith("<"):
            body["mfa_code"] = world.code(body["mfa_code"].strip("<>"))
        return orjson.dumps(body)
    raw = cell.request.get("raw")
    if raw is None:
        return None
    return ast.literal_eval(raw) if raw.startswith(("b'", 'b"')) else str(raw).encode()


async def _effect(world: World, cell: Cell) -> Any:
    """What root sees of the target of the request."""
    path = effect_path(cell)
    name = {"{self}": f"{{user:{cell.actor}}}"}
    for place, value in name.items():
        path = path.replace(place, value)
    answer = await world.ask("root", "GET", path)
    shown: dict[str, Any] = {"status": answer.status}
    if "body" in cell.effect:
        shown["body"] = normal(answer.body, path, world.symbols, world.addresses)
    return shown


def effect_path(cell: Cell) -> str:
    """Where to look for what a request did, in the detail in which the recording shows it."""
    parts = cell.path.strip("/").split("/")
    sent = cell.request.get("body") or {}
    shown = cell.effect.get("body", {})
    match parts:
        case ["collaboration", _, "node"]:
            return f"/node/{sent['id']}"
        case ["kill", "task"]:
            return f"/task/{sent['id']}"
        case ["role", number, *_] if "data" in shown:
            return f"/rule?role_id={number}"
    path = "/" + "/".join(parts[:2])
    if isinstance(shown.get("organizations"), list):
        return f"{path}?include=organizations"
    return f"{path}?include_permissions=1" if "permissions" in shown else path


def _unlike_any(item: Any) -> list[str]:
    """How an item of a reduced list differs from all that the recordings show of it."""
    known = _items().get(_likeness(item), [])
    if not known or item in known:
        return []
    return [f"{item['id']}{hint}" for hint in min((value_differences(one, item) for one in known), key=len)]


@cache
def _items() -> Mapping[Any, Sequence[Any]]:
    """Everything with an id that the recordings show in full, by id and keys."""
    found: dict[Any, list[Any]] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("id"), str) and value not in (same := found.setdefault(_likeness(value), [])):
                same.append(value)
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for suite in SUITES:
        for cell in cells(suite):
            look(cell.body)
    return found


def _likeness(item: Mapping[str, Any]) -> Any:
    return item["id"], frozenset(item)


def _words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",") if word.strip()}


def _short(value: Any) -> str:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
