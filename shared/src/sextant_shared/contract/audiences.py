"""What clients are told: domain event -> socket events, each with its payload and its audience. A table.

And who among the users belongs to which audience, by their rights. The live events of relay and the history that api
keeps go by the same table. docs/decisions/0008-relay-rooms-and-audiences.md says why the audiences are narrower than
vantage6's.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sextant_shared.contract import socket_events
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.events import (
    KilledRun,
    NodeOffline,
    NodeOnline,
    NodeSyncRequested,
    NodeTasksKilled,
    RunLogAppended,
    RunStatusChanged,
    TaskCreated,
    TaskKilled,
)
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.contract.permissions import Operation, Resource, Rules, Scope
from sextant_shared.contract.rooms import Room
from sextant_shared.contract.socket_payloads import (
    AlgorithmLog,
    AlgorithmStatusChange,
    KillContainers,
    KillEntry,
    NewTask,
    NodePresence,
    SocketPayload,
    StatusUpdate,
)

NODES: Final = frozenset({ClientType.NODE})
USERS: Final = frozenset({ClientType.USER})
BOTH: Final = NODES | USERS


class Audience(NamedTuple):
    """Part of those who should hear something: whoever of these kinds sits in this room."""

    room: Room
    kinds: frozenset[ClientType] = BOTH


class Emission(NamedTuple):
    """One socket event to be sent.

    Attributes:
        event: its name.
        payload: its only argument, if it has one.
        to: who hears it, once each.
        but_not: a room whose members do not, whatever other rooms they sit in.
    """

    event: str
    payload: SocketPayload | None
    to: Sequence[Audience]
    but_not: Room | None = None

    def is_for_user(self, rooms: Collection[Room]) -> bool:
        """Tell whether a user who sits in these rooms hears it."""
        return self.but_not not in rooms and any(
            audience.room in rooms and ClientType.USER in audience.kinds for audience in self.to
        )


def depends_on_collaborations(rights: Rules) -> bool:
    """Tell whether the collaborations of its organization decide what a user may hear."""
    scopes = rights.scopes(Resource.EVENT, Operation.RECEIVE)
    return Scope.GLOBAL not in scopes and bool(scopes & {Scope.COLLABORATION, Scope.ORGANIZATION})


def rooms_of_user(rights: Rules, organization_id: int, collaborations: Collection[int]) -> tuple[Room, ...]:
    """Name the rooms in which a user's rights to receive events seat it; none if it has none.

    Args:
        rights: of the user.
        organization_id: of the user.
        collaborations: of its organization; looked at only if rights depend on them.
    """
    scopes = rights.scopes(Resource.EVENT, Operation.RECEIVE)
    if Scope.GLOBAL in scopes:
        return (Room.everything(),)
    if Scope.COLLABORATION in scopes:
        return tuple(Room.collaboration(each) for each in sorted(collaborations))
    if Scope.ORGANIZATION in scopes:
        return tuple(Room.organization(each, organization_id) for each in sorted(collaborations))
    return ()


def emissions(envelope: Envelope) -> Sequence[Emission]:
    """Look up what an event means for the sockets.

    Raises:
        ValueError: the envelope does not hold what its type promises.
    """
    row = TABLE.get(envelope.type)
    if row is None:
        return ()
    content_type, make = row
    return make(content_type.opened(envelope))


def _watchers(collaboration_id: int) -> tuple[Audience, ...]:
    """The users who may hear all of a collaboration."""
    return (
        Audience(Room.collaboration(collaboration_id), USERS),
        Audience(Room.everything(), USERS),
    )


def _everybody(collaboration_id: int, organization_id: int) -> tuple[Audience, ...]:
    """All nodes of a collaboration and all users who may hear of one organization's part in it."""
    return (
        Audience(Room.collaboration(collaboration_id)),
        Audience(Room.organization(collaboration_id, organization_id), USERS),
        Audience(Room.everything(), USERS),
    )


def _task_created(event: TaskCreated) -> Sequence[Emission]:
    addressed = tuple(Audience(Room.organization(event.collaboration_id, each)) for each in event.organization_ids)
    return [
        Emission(
            socket_events.NEW_TASK,
            NewTask(id=event.task_id, parent_id=event.parent_id),
            addressed + _watchers(event.collaboration_id),
        )
    ]


def _run_status_changed(event: RunStatusChanged) -> Sequence[Emission]:
    to = _everybody(event.collaboration_id, event.organization_id)
    updated = Emission(socket_events.STATUS_UPDATE, StatusUpdate(run_id=event.run_id), to)
    if not event.announce:
        return [updated]
    changed = AlgorithmStatusChange(
        status=event.status.value,
        run_id=event.run_id,
        task_id=event.task_id,
        job_id=event.job_id,
        collaboration_id=event.collaboration_id,
        node_id=event.node_id,
        organization_id=event.organization_id,
        parent_id=event.parent_id,
    )
    return [updated, Emission(socket_events.ALGORITHM_STATUS_CHANGE, changed, to)]


def _run_log_appended(event: RunLogAppended) -> Sequence[Emission]:
    return [
        Emission(
            socket_events.ALGORITHM_LOG,
            AlgorithmLog(run_id=event.run_id, task_id=event.task_id, log=event.log),
            (
                Audience(Room.organization(event.collaboration_id, event.organization_id), USERS),
                *_watchers(event.collaboration_id),
            ),
        )
    ]


def _task_killed(event: TaskKilled) -> Sequence[Emission]:
    if not event.runs:
        return []  # a node takes an empty list for "everything"
    return [
        Emission(
            socket_events.KILL_CONTAINERS,
            KillContainers(kill_list=_kill_list(event.runs), collaboration_id=event.collaboration_id),
            (
                *(Audience(Room.organization(event.collaboration_id, each)) for each in _organizations(event.runs)),
                *_watchers(event.collaboration_id),
            ),
        )
    ]


def _node_tasks_killed(event: NodeTasksKilled) -> Sequence[Emission]:
    if not event.runs:
        return []  # as above
    return [
        Emission(
            socket_events.KILL_CONTAINERS,
            KillContainers(
                kill_list=_kill_list(event.runs), collaboration_id=event.collaboration_id, node_id=event.node_id
            ),
            (
                Audience(Room.node(event.node_id), NODES),
                *(
                    Audience(Room.organization(event.collaboration_id, each), USERS)
                    for each in _organizations(event.runs)
                ),
                *_watchers(event.collaboration_id),
            ),
        )
    ]


def _kill_list(runs: Iterable[KilledRun]) -> list[KillEntry]:
    return [KillEntry(task_id=run.task_id, run_id=run.run_id, organization_id=run.organization_id) for run in runs]


def _organizations(runs: Iterable[KilledRun]) -> list[int]:
    return sorted({run.organization_id for run in runs})


def _node_online(event: NodeOnline) -> Sequence[Emission]:
    return [_presence(socket_events.NODE_ONLINE, event)]


def _node_offline(event: NodeOffline) -> Sequence[Emission]:
    return [_presence(socket_events.NODE_OFFLINE, event)]


def _presence(name: str, event: NodeOnline | NodeOffline) -> Emission:
    return Emission(
        name,
        NodePresence(id=event.node_id, name=event.name, org_id=event.organization_id),
        _everybody(event.collaboration_id, event.organization_id),
        but_not=Room.node(event.node_id),
    )


def _sync_requested(event: NodeSyncRequested) -> Sequence[Emission]:
    return [Emission(socket_events.SYNC, None, (Audience(Room.node(event.node_id), NODES),))]


_ROWS: Sequence[tuple[type[Content], Callable[[Any], Sequence[Emission]]]] = (
    (TaskCreated, _task_created),
    (TaskKilled, _task_killed),
    (NodeTasksKilled, _node_tasks_killed),
    (RunStatusChanged, _run_status_changed),
    (RunLogAppended, _run_log_appended),
    (NodeOnline, _node_online),
    (NodeOffline, _node_offline),
    (NodeSyncRequested, _sync_requested),
)

TABLE: Mapping[str, tuple[type[Content], Callable[[Any], Sequence[Emission]]]] = {
    content_type.type: (content_type, make) for content_type, make in _ROWS
}
"""By the type of the event. What is not in it, sockets do not hear."""
