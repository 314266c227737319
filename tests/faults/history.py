"""What happened, as those outside the suite saw it: one record that only grows.

Everybody who plays a part (nodes, watchers, researchers, those who break things) notes here what was asked, answered,
heard and done. It judges nothing: `invariants` does, from this alone and from what the suite shows at the end.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

E = TypeVar("E")

_RARE = {"sync", "node-online", "node-offline", "invalid_token", "expired_token", "kill_containers"}


@dataclass(frozen=True)
class Asked:
    """A researcher began to ask for a task; its name is used once."""

    name: str
    organizations: Sequence[int]


@dataclass(frozen=True)
class Accepted:
    """The task was answered with 201."""

    name: str
    task_id: int


@dataclass(frozen=True)
class Executed:
    """A node started the algorithm of a run."""

    node_id: int
    run_id: int
    task_id: int


@dataclass(frozen=True)
class Delivered:
    """A node's last word on a run was answered with 200."""

    node_id: int
    run_id: int
    result: str


@dataclass(frozen=True)
class Heard:
    """A socket heard an event."""

    listener: str
    event: str
    payload: Any


@dataclass(frozen=True)
class Refused:
    """Somebody got an answer that is an error."""

    who: str
    method: str
    path: str
    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Lost:
    """Somebody's connection was lost before the answer; the request is repeated."""

    who: str
    method: str
    path: str


@dataclass(frozen=True)
class Connected:
    """A socket entered the namespace."""

    listener: str


@dataclass(frozen=True)
class Disconnected:
    """A socket is gone."""

    listener: str


@dataclass(frozen=True)
class Injected:
    """A fault began or ended."""

    what: str


Entry = Asked | Accepted | Executed | Delivered | Heard | Refused | Lost | Connected | Disconnected | Injected


@dataclass
class History:
    """All entries in the order in which they were made, each with the time since the beginning."""

    entries: list[tuple[float, Entry]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, entry: Entry) -> None:
        """Add to the end."""
        self.entries.append((time.monotonic() - self.began, entry))

    def of(self, kind: type[E]) -> list[E]:
        """The entries of a kind."""
        return [entry for _, entry in self.entries if isinstance(entry, kind)]

    def since(self, mark: int, kind: type[E]) -> list[E]:
        """The entries of a kind after a mark."""
        return [entry for _, entry in self.entries[mark:] if isinstance(entry, kind)]

    def mark(self) -> int:
        """The place of the next entry."""
        return len(self.entries)

    def heard(self, listener: str, event: str, *, since: int = 0) -> list[Any]:
        """The payloads of an event that one socket heard."""
        return [
            entry.payload for entry in self.since(since, Heard) if (entry.listener, entry.event) == (listener, event)
        ]

    def ends_with(self, entry: Entry, *, among: int = 200) -> bool:
        """Whether something is among the last entries."""
        return any(each == entry for _, each in self.entries[-among:])

    def tail(self, count: int = 60) -> str:
        """The last entries, for a person who wonders; what sockets hear all the time is left out."""
        telling = [(at, entry) for at, entry in self.entries if not isinstance(entry, Heard) or entry.event in _RARE]
        return "\n".join(f"{at:8.2f} {entry}" for at, entry in telling[-count:])
