"""A client whose calls are noted: which method, with which arguments.

Owns the record. Only what a step calls itself counts, not what a library calls inside, and only what returned.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .surface import members_of


@dataclass
class Record:
    """What was called.

    Attributes:
        calls: the arguments given so far, by kind of client and method.
    """

    calls: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def note(self, client: str, method: str, given: set[str]) -> None:
        """Remember one call."""
        self.calls.setdefault((client, method), set()).update(given)


class Watched:
    """Looks like the client, or like a part of it, and notes what is called.

    Args:
        target: to pass calls on to.
        kind: of the client.
        record: for the calls.
        part: the class of sub-clients.
    """

    def __init__(self, target: object, kind: str, record: Record, part: type, prefix: str = "") -> None:
        self._target = target
        self._kind = kind
        self._record = record
        self._part = part
        self._prefix = prefix
        self._members = dict(members_of(target))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if isinstance(value, self._part):
            return Watched(value, self._kind, self._record, self._part, f"{self._prefix}{name}.")
        if name not in self._members:
            return value
        if isinstance(self._members[name], property):
            self._record.note(self._kind, self._prefix + name, set())
            return value
        return self._noting(name, value)

    def unwatched(self) -> Any:
        """Return the client itself, for calls that do not count."""
        return self._target

    def _noting(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            names = [name for name in inspect.signature(method).parameters if name != "self"]
            given = {*names[: len(args)], *(name for name, value in kwargs.items() if value is not None)}
            self._record.note(self._kind, self._prefix + name, given)
            return answer

        return call
