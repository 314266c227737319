"""Which id stands for which symbol of the recordings.

Owns the two-way table. A symbol is `type:name`, such as `org:A`; ids are those of the server under test.
"""

import re
from collections.abc import Callable
from typing import Any

NO_ID = 987654
"""Stands for `NONE`: an id that nothing has."""

_NONE = "NONE"
_PLACE = re.compile(r"\{([a-z_]+(?::[^{}]+)?)\}")

KINDS = {
    "organization": "org",
    "collaboration": "col",
    "study": "study",
    "role": "role",
    "rule": "rule",
    "user": "user",
    "node": "node",
    "algorithmstore": "store",
    "task": "task",
    "run": "run",
    "result": "run",
    "port": "port",
}
"""Type of symbol by resource, as in paths."""

_OF_PARAMETER = {
    "init_org_id": "org",
    "org_id": "org",
    "init_user_id": "user",
    "parent_id": "task",
    "job_id": "job",
    "algorithm_store_id": "store",
    "store_id": "store",
    "ids": "org",
}


def kind_of_parameter(name: str) -> str | None:
    """The type of symbol that a field or query parameter holds the id of."""
    if name in _OF_PARAMETER:
        return _OF_PARAMETER[name]
    return KINDS.get(name.removesuffix("_id")) if name.endswith("_id") else None


class Symbols:
    """The table."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._values: dict[str, str] = {}

    def copy(self) -> "Symbols":
        """A table of its own with what is known now."""
        made = Symbols()
        made._ids, made._names, made._values = dict(self._ids), dict(self._names), dict(self._values)
        return made

    def bind(self, symbol: str, number: int) -> None:
        """Note that a symbol stands for an id."""
        kind = symbol.partition(":")[0]
        former = self._ids.get(symbol)
        if former is not None:
            self._names.pop((kind, former), None)
        self._ids[symbol] = number
        self._names[kind, number] = symbol

    def note(self, name: str, value: str) -> None:
        """Note a value other than an id, `{name}` in requests."""
        self._values[name] = value

    def id(self, symbol: str) -> int:
        """The id that a symbol stands for.

        Raises:
            KeyError: nothing of this name is known.
        """
        return NO_ID if symbol.endswith(f":{_NONE}") else self._ids[symbol]

    def knows(self, symbol: str) -> bool:
        """Whether an id is known for the symbol."""
        return symbol in self._ids

    def name(self, kind: str, number: int) -> str:
        """The symbol for an id; `type:?` for one that is not known."""
        if number == NO_ID:
            return f"{kind}:{_NONE}"
        return self._names.get((kind, number), f"{kind}:?")

    def fill(self, given: Any) -> Any:
        """Put ids in the place of symbols, in a text or in everything inside a body.

        A text that is nothing but a symbol becomes a number, or digits for `{s_type:name}`.

        Raises:
            KeyError: nothing of this name is known.
        """
        if isinstance(given, dict):
            return {key: self.fill(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.fill(value) for value in given]
        if not isinstance(given, str):
            return given
        alone = _PLACE.fullmatch(given)
        if alone and ":" in alone[1] and not alone[1].startswith(("s_", "val:")):
            return self.id(alone[1])
        return self.fill_text(given)

    def fill_text(self, text: str, quote: Callable[[str], str] = str) -> str:
        """Put ids in the place of symbols inside a text."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in self._values:
                return quote(self._values[name])
            if ":" not in name:
                return match[0]
            return str(self.id(name.removeprefix("s_")))

        return _PLACE.sub(value, text)
