"""What must hold over a whole history, whatever was broken on the way: pure functions, each with a list of complaints.

`check` is the one checker of all fault tests. It knows the history and what the suite shows in the end, nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sextant_shared.contract.statuses import Presence, RunStatus
from tests.faults.history import Accepted, Asked, Delivered, Executed, Heard, History, Refused

_SERVER_ERROR = 500


@dataclass(frozen=True)
class Run:
    """A run as REST shows it in the end."""

    id: int
    organization: int
    status: str
    result: str | None


@dataclass(frozen=True)
class Task:
    """A task as REST shows it in the end."""

    id: int
    name: str
    status: str
    runs: Sequence[Run]


@dataclass(frozen=True)
class Final:
    """What the suite shows of the collaboration in the end.

    Attributes:
        tasks: all of them.
        presence: the status of each node.
    """

    tasks: Sequence[Task]
    presence: Mapping[int, str]


@dataclass(frozen=True)
class Cast:
    """Who took part.

    Attributes:
        organizations: of each node of the collaboration, by node.
        outsiders: the listeners that have nothing to do with the collaboration.
        listeners: the node behind each listener that is a node of the collaboration.
        connected: the nodes whose sockets are open in the end.
    """

    organizations: Mapping[int, int]
    outsiders: frozenset[str]
    listeners: Mapping[str, int]
    connected: frozenset[int]


@dataclass(frozen=True)
class Exempt:
    """What a fault's own row in the list allows.

    Attributes:
        killed: tasks that were killed on purpose: their runs may not have begun.
        server_errors: whether answers of 500 and above were to be expected.
        unfinished: runs whose node is gone for good.
    """

    killed: frozenset[int] = frozenset()
    server_errors: bool = False
    unfinished: frozenset[int] = frozenset()


def each_accepted_task_is_there(history: History, final: Final, _cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """201 means that there is such a task, under the name it was asked for by, and none was answered with another's."""
    names = {task.id: task.name for task in final.tasks}
    for accepted in history.of(Accepted):
        if names.get(accepted.task_id) != accepted.name:
            yield f"task {accepted.task_id} was accepted as {accepted.name!r} and is {names.get(accepted.task_id)!r}"


def no_task_is_half_made(history: History, final: Final, _cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """Each task that is there, accepted or not, has one run for each organization it was asked for."""
    asked = {each.name: sorted(each.organizations) for each in history.of(Asked)}
    for task in final.tasks:
        have = sorted(run.organization for run in task.runs)
        if have != asked.get(task.name):
            yield f"task {task.id} ({task.name!r}) has runs for {have}, asked for were {asked.get(task.name)}"


def each_task_reaches_its_nodes(_history: History, final: Final, _cast: Cast, exempt: Exempt) -> Iterator[str]:
    """All runs of all tasks end, and with success."""
    for task in final.tasks:
        if task.id in exempt.killed:
            continue
        for run in task.runs:
            if run.status != RunStatus.COMPLETED and run.id not in exempt.unfinished:
                yield f"run {run.id} of task {task.id} ended as {run.status!r}"


def no_run_is_executed_twice(history: History, _final: Final, _cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """However often a node is told of a run, its algorithm starts once."""
    for run_id, count in Counter(each.run_id for each in history.of(Executed)).items():
        if count > 1:
            yield f"run {run_id} was executed {count} times"


def each_run_is_executed_by_its_own_node(history: History, final: Final, cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """Work goes to the node of the organization that it is for."""
    organizations = {run.id: run.organization for task in final.tasks for run in task.runs}
    for executed in history.of(Executed):
        if organizations.get(executed.run_id) != cast.organizations.get(executed.node_id):
            yield f"run {executed.run_id} was executed by node {executed.node_id}, which it is not for"


def no_acknowledged_result_is_lost(history: History, final: Final, _cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """What a node was told is stored is what is shown."""
    shown = {run.id: run.result for task in final.tasks for run in task.runs}
    for delivered in history.of(Delivered):
        if shown.get(delivered.run_id) != delivered.result:
            yield f"run {delivered.run_id} shows {shown.get(delivered.run_id)!r} instead of {delivered.result!r}"


def outsiders_hear_nothing(history: History, final: Final, cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """Who has nothing to do with a collaboration hears of none of its tasks, runs and nodes."""
    inside = _ids(final, cast)
    for heard in history.of(Heard):
        if heard.listener in cast.outsiders and _concerns(heard, inside):
            yield f"{heard.listener} heard {heard.event} {heard.payload}"


def nodes_hear_of_their_own_tasks_alone(history: History, final: Final, cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """A node is told of a task only if it has a run of it."""
    addressed = {task.id: {run.organization for run in task.runs} for task in final.tasks}
    for heard in history.of(Heard):
        node = cast.listeners.get(heard.listener)
        if node is None or heard.event != "new_task":
            continue
        if cast.organizations[node] not in addressed.get(heard.payload["id"], ()):
            yield f"node {node} was told of task {heard.payload['id']}, which is not for it"


def presence_is_right(_history: History, final: Final, cast: Cast, _exempt: Exempt) -> Iterator[str]:
    """A node is shown online exactly if its socket is open."""
    for node, status in final.presence.items():
        if (status == Presence.ONLINE) != (node in cast.connected):
            yield f"node {node} is shown {status!r}, and is {'' if node in cast.connected else 'not '}connected"


def nobody_is_answered_with_a_server_error(
    history: History, _final: Final, _cast: Cast, exempt: Exempt
) -> Iterator[str]:
    """The official node takes a 5xx for an answer and throws a result away over it; a lost connection it repeats."""
    if exempt.server_errors:
        return
    for refused in history.of(Refused):
        if refused.status >= _SERVER_ERROR:
            yield f"{refused.who} was answered {refused.status} to {refused.method} {refused.path}: {refused.body}"


Invariant = Callable[[History, Final, Cast, Exempt], Iterator[str]]

INVARIANTS: Sequence[Invariant] = (
    each_accepted_task_is_there,
    no_task_is_half_made,
    each_task_reaches_its_nodes,
    no_run_is_executed_twice,
    each_run_is_executed_by_its_own_node,
    no_acknowledged_result_is_lost,
    outsiders_hear_nothing,
    nodes_hear_of_their_own_tasks_alone,
    presence_is_right,
    nobody_is_answered_with_a_server_error,
)


def check(history: History, final: Final, cast: Cast, exempt: Exempt | None = None) -> list[str]:
    """All complaints of all invariants; none, if all is well."""
    return [
        f"{invariant.__name__}: {complaint}"
        for invariant in INVARIANTS
        for complaint in invariant(history, final, cast, exempt or Exempt())
    ]


@dataclass(frozen=True)
class _Ids:
    tasks: frozenset[int]
    runs: frozenset[int]
    nodes: frozenset[int]


def _ids(final: Final, cast: Cast) -> _Ids:
    return _Ids(
        tasks=frozenset(task.id for task in final.tasks),
        runs=frozenset(run.id for task in final.tasks for run in task.runs),
        nodes=frozenset(cast.organizations),
    )


def _concerns(heard: Heard, inside: _Ids) -> bool:
    payload: Mapping[str, Any] = heard.payload if isinstance(heard.payload, dict) else {}
    match heard.event:
        case "new_task":
            return payload.get("id") in inside.tasks
        case "node-online" | "node-offline":
            return payload.get("id") in inside.nodes
        case "kill_containers":
            return any(killed.get("run_id") in inside.runs for killed in payload.get("kill_list", ()))
    return payload.get("run_id") in inside.runs or payload.get("task_id") in inside.tasks
