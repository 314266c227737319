"""The table of what clients are told, row by row."""

from collections.abc import Sequence
from typing import Any

import pytest

from sextant_shared.clock import SystemClock
from sextant_shared.contract.audiences import NODES, TABLE, USERS, Audience, Emission, emissions
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.events import (
    EVENTS,
    KilledRun,
    MembershipChanged,
    NodeAddressChanged,
    NodeChanged,
    NodeOffline,
    NodeOnline,
    NodeSeen,
    NodeSyncRequested,
    NodeTasksKilled,
    OrganizationChanged,
    PortsChanged,
    PrincipalChanged,
    PrincipalsChanged,
    RunLogAppended,
    RunStatusChanged,
    TaskCreated,
    TaskKilled,
)
from sextant_shared.contract.messages import Content
from sextant_shared.contract.rooms import Room
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.ids import new_id

ALL_NODES_AND_WATCHERS = Audience(Room.collaboration(3))
WATCHERS = Audience(Room.collaboration(3), USERS)
EVERYTHING = Audience(Room.everything(), USERS)


def told(content: Content) -> Sequence[Emission]:
    return emissions(content.enclosed(message_id=new_id(), source="test", time=SystemClock().now()))


def status_changed(**changes: Any) -> RunStatusChanged:
    return RunStatusChanged(
        **{
            "run_id": 5,
            "task_id": 4,
            "job_id": 1,
            "parent_id": None,
            "collaboration_id": 3,
            "organization_id": 2,
            "node_id": 7,
            "status": RunStatus.ACTIVE,
            **changes,
        }
    )


def test_a_task_is_told_to_the_addressed_organizations_and_to_all_who_watch() -> None:
    event = TaskCreated(task_id=4, parent_id=1, job_id=1, collaboration_id=3, organization_ids=[2, 8])
    assert told(event) == [
        Emission(
            "new_task",
            {"id": 4, "parent_id": 1},
            (Audience(Room.organization(3, 2)), Audience(Room.organization(3, 8)), WATCHERS, EVERYTHING),
        )
    ]


def test_a_status_is_told_twice_to_everybody_in_the_collaboration() -> None:
    everybody = (ALL_NODES_AND_WATCHERS, Audience(Room.organization(3, 2), USERS), EVERYTHING)
    assert told(status_changed()) == [
        Emission("status_update", {"run_id": 5}, everybody),
        Emission(
            "algorithm_status_change",
            {
                "status": "active", "run_id": 5, "task_id": 4, "job_id": 1, "collaboration_id": 3, "node_id": 7,
                "organization_id": 2, "parent_id": None,
            },
            everybody,
        ),
    ]  # fmt: skip


def test_a_change_that_is_not_announced_is_told_once() -> None:
    assert [emission.event for emission in told(status_changed(announce=False))] == ["status_update"]


def test_a_log_line_is_told_to_users_only() -> None:
    event = RunLogAppended(run_id=5, task_id=4, collaboration_id=3, organization_id=2, log="hello")
    assert told(event) == [
        Emission(
            "algorithm_log",
            {"run_id": 5, "task_id": 4, "log": "hello"},
            (Audience(Room.organization(3, 2), USERS), WATCHERS, EVERYTHING),
        )
    ]


def test_a_kill_is_told_to_the_organizations_whose_runs_end_and_to_all_who_watch() -> None:
    runs = [KilledRun(task_id=4, run_id=each, organization_id=each) for each in (9, 8)]
    assert told(TaskKilled(task_id=4, collaboration_id=3, runs=runs)) == [
        Emission(
            "kill_containers",
            {
                "kill_list": [
                    {"task_id": 4, "run_id": 9, "organization_id": 9},
                    {"task_id": 4, "run_id": 8, "organization_id": 8},
                ],
                "collaboration_id": 3,
            },
            (Audience(Room.organization(3, 8)), Audience(Room.organization(3, 9)), WATCHERS, EVERYTHING),
        )
    ]


def test_the_kill_of_all_at_a_node_names_the_node_and_its_runs() -> None:
    event = NodeTasksKilled(node_id=7, collaboration_id=3, runs=[KilledRun(task_id=4, run_id=5, organization_id=2)])
    assert told(event) == [
        Emission(
            "kill_containers",
            {
                "kill_list": [{"task_id": 4, "run_id": 5, "organization_id": 2}],
                "collaboration_id": 3,
                "node_id": 7,
            },
            (Audience(Room.node(7), NODES), Audience(Room.organization(3, 2), USERS), WATCHERS, EVERYTHING),
        )
    ]


@pytest.mark.parametrize(
    "event",
    [TaskKilled(task_id=4, collaboration_id=3, runs=[]), NodeTasksKilled(node_id=7, collaboration_id=3, runs=[])],
    ids=["task", "node"],
)
def test_an_empty_kill_list_is_never_told(event: Content) -> None:
    assert told(event) == []


@pytest.mark.parametrize(("kind", "name"), [(NodeOnline, "node-online"), (NodeOffline, "node-offline")])
def test_presence_is_told_within_the_collaboration_but_not_to_the_node(
    kind: type[NodeOnline | NodeOffline], name: str
) -> None:
    assert told(kind(node_id=7, name="north", organization_id=2, collaboration_id=3)) == [
        Emission(
            name,
            {"id": 7, "name": "north", "org_id": 2},
            (ALL_NODES_AND_WATCHERS, Audience(Room.organization(3, 2), USERS), EVERYTHING),
            but_not=Room.node(7),
        )
    ]


def test_a_requested_sync_is_told_to_the_node_alone() -> None:
    assert told(NodeSyncRequested(node_id=7, collaboration_id=3)) == [
        Emission("sync", None, (Audience(Room.node(7), NODES),))
    ]


@pytest.mark.parametrize(
    "event",
    [
        NodeChanged(node_id=7, name="north", organization_id=2, collaboration_id=3),
        NodeSeen(node_id=7),
        MembershipChanged(collaboration_id=3, organization_ids=[2], revision=1),
        OrganizationChanged(organization_id=2, name="x"),
        PrincipalChanged(client_type=ClientType.USER, principal_id=1, principal_version=2),
        PrincipalsChanged(role_id=1),
        NodeAddressChanged(node_id=1, collaboration_id=3, ip="10.76.0.2"),
        PortsChanged(run_id=1, collaboration_id=3, revision=1, ports=[]),
    ],
    ids=lambda event: event.type,
)
def test_administration_is_not_told_to_sockets(event: Content) -> None:
    assert told(event) == ()


def test_every_event_is_either_told_or_known_not_to_be() -> None:
    silent: set[type[Content]] = {
        NodeAddressChanged,
        NodeChanged,
        NodeSeen,
        PortsChanged,
        MembershipChanged,
        OrganizationChanged,
        PrincipalChanged,
        PrincipalsChanged,
    }
    assert TABLE.keys() == {event.type for event in EVENTS} - {event.type for event in silent}


@pytest.mark.parametrize(
    ("rooms", "hears"),
    [
        ({Room.everything()}, True),
        ({Room.collaboration(3)}, True),
        ({Room.organization(3, 2)}, True),
        ({Room.organization(3, 8)}, False),
        ({Room.collaboration(4)}, False),
        (set(), False),
    ],
)
def test_a_user_hears_what_one_of_its_rooms_is_an_audience_of(rooms: set[Room], hears: bool) -> None:  # noqa: FBT001
    assert [emission.is_for_user(rooms) for emission in told(status_changed())] == [hears] * 2


def test_what_is_for_nodes_alone_is_not_for_a_user() -> None:
    (sync,) = told(NodeSyncRequested(node_id=7, collaboration_id=3))
    assert not sync.is_for_user({Room.node(7), Room.everything()})
