"""What socket events carry to clients, field by field, as the wire of vantage6 4.x has it.

Typed dictionaries, not models: a payload is built once per event and sent as it is. The AsyncAPI document is made of
these, and `contract.audiences` builds them.
"""

from collections.abc import Mapping
from typing import Any, Final, NotRequired

from typing_extensions import TypedDict  # Python 3.11's own cannot be described

from sextant_shared.contract import socket_events


class NewTask(TypedDict):
    """A task to look for runs of."""

    id: int
    parent_id: int | None


class KillEntry(TypedDict):
    """A run to be ended."""

    task_id: int
    run_id: int
    organization_id: int


class KillContainers(TypedDict):
    """The runs to be ended; with `node_id` only that node acts."""

    kill_list: list[KillEntry]
    collaboration_id: int
    node_id: NotRequired[int]


class StatusUpdate(TypedDict):
    """A run of which something changed."""

    run_id: int


class AlgorithmStatusChange(TypedDict):
    """A run whose status changed, and what it is now."""

    status: str
    run_id: int
    task_id: int
    job_id: int
    collaboration_id: int
    node_id: int | None
    organization_id: int
    parent_id: int | None


class AlgorithmLog(TypedDict):
    """A piece of a run's log."""

    run_id: int
    task_id: int
    log: str


class NodePresence(TypedDict):
    """A node that came or went."""

    id: int
    name: str
    org_id: int


class HistoryPlace(TypedDict):
    """A place in the history of events."""

    offset: str


SocketPayload = (
    NewTask | KillContainers | StatusUpdate | AlgorithmStatusChange | AlgorithmLog | NodePresence | HistoryPlace
)

HEARD: Final[Mapping[str, Any]] = {
    socket_events.SYNC: None,
    socket_events.NEW_TASK: NewTask,
    socket_events.KILL_CONTAINERS: KillContainers,
    socket_events.STATUS_UPDATE: StatusUpdate,
    socket_events.ALGORITHM_STATUS_CHANGE: AlgorithmStatusChange,
    socket_events.ALGORITHM_LOG: AlgorithmLog,
    socket_events.NODE_ONLINE: NodePresence,
    socket_events.NODE_OFFLINE: NodePresence,
    socket_events.MESSAGE: str,
    socket_events.INVALID_TOKEN: None,
    socket_events.EXPIRED_TOKEN: None,
    socket_events.HISTORY_GAP: HistoryPlace,
    socket_events.HISTORY_CAUGHT_UP: HistoryPlace,
}
"""Everything that clients may hear, by its name: the type of its only argument, or None if it has none."""
