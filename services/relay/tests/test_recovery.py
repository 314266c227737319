"""Users who asked for offsets: what they missed, then what happens, each event once and in order."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from services.relay.tests.kit import Ear, Relay, Stage, envelope, eventually
from sextant_relay.history import PAGE_FACTS, since_in
from sextant_shared.contract.events import MembershipChanged, NodeOnline, RunStatusChanged, TaskCreated
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.security import Principal

SINCE_IN_CASES: list[tuple[str, Any, str | None]] = [
    ("EIO=4&transport=polling", None, None),
    ("EIO=4&transport=polling&t=a.1", {"token": "x"}, None),
    ("EIO=4&since=a.1", None, "a.1"),
    ("EIO=4&offsets=1", None, "newest"),
    ("EIO=4&offsets=0", None, None),
    ("EIO=4&since=", None, None),
    ("since=a.1", {"since": "a.2"}, "a.2"),
    ("since=a.1", {"token": "x"}, "a.1"),
    ("", {"offsets": True}, "newest"),
    ("", {"since": 7}, None),
    ("", {"since": None, "offsets": False}, None),
    ("", "since", None),
    ("since=%ff", None, "\ufffd"),
]


@pytest.mark.parametrize(("query", "payload", "expected"), SINCE_IN_CASES)
def test_a_client_asks_by_query_or_by_payload(query: str, payload: Any, expected: str | None) -> None:
    assert since_in(query, payload) == expected


def task(task_id: int, collaboration_id: int = 3) -> TaskCreated:
    return TaskCreated(
        task_id=task_id, parent_id=None, job_id=1, collaboration_id=collaboration_id, organization_ids=[2]
    )


def change(run_id: int) -> RunStatusChanged:
    return RunStatusChanged(
        run_id=run_id, task_id=4, job_id=1, parent_id=None, collaboration_id=3, organization_id=2, node_id=7,
        status=RunStatus.ACTIVE,
    )  # fmt: skip


def ids(ear: Ear) -> list[int]:
    return [each["id"] for each in ear.of("new_task")]


def plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in ("event_id", "offset")}


@pytest.fixture
def watcher(stage: Stage) -> Principal:
    """A user who may hear of the collaborations of organization 2, of which there is one."""
    stage.api.collaborations[3] = [2]
    return stage.auth.add_user(organization_id=2, rules=["event:COLLABORATION:RECEIVE"])


@pytest.fixture
async def second(stage: Stage) -> AsyncIterator[Relay]:
    """Another replica."""
    async with stage.relay() as running:
        yield running


async def follow(relay: Relay, stage: Stage, who: Principal, since: str | None = None) -> Ear:
    """Connect with offsets, and wait until all that was missed is told."""
    asked = {"since": since} if since else {"offsets": True}
    ear = await relay.ear().connect(stage.auth.token(who), auth=asked)
    await ear.until("history_caught_up")
    return ear


async def test_who_does_not_ask_hears_what_was_always_told(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await relay.ear().connect(stage.auth.token(watcher))
    await ear.until("message")
    await stage.publish(task(1), change(5))
    await ear.until("algorithm_status_change")

    assert ear.heard[1:3] == [("new_task", ({"id": 1, "parent_id": None},)), ("status_update", ({"run_id": 5},))]
    assert stage.api.history.read == 0


async def test_who_asks_hears_the_same_with_id_and_offset(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1))
    (heard,) = await ear.until("new_task")
    (entry,) = stage.api.history.entries

    assert heard == {
        "id": 1, "parent_id": None, "event_id": str(entry.envelope.id), "offset": stage.api.history.end,
    }  # fmt: skip


async def test_each_event_of_a_fact_has_its_own_offset(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(change(5))
    await ear.until("algorithm_status_change")
    told = [ear.of(name)[0] for name in ("status_update", "algorithm_status_change")]

    assert told[0]["event_id"] == told[1]["event_id"]
    assert [each["offset"] for each in told] == [f"{stage.api.history.epoch.hex}.0.1", stage.api.history.end]


async def test_what_was_missed_is_told_first_in_order_and_once(
    relay: Relay, second: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1), task(2))
    offset = (await ear.until("new_task", 2))[-1]["offset"]
    await ear.client.disconnect()
    await stage.publish(*map(task, range(3, 3 + 2 * PAGE_FACTS)))
    again = await follow(second, stage, watcher, offset)
    await stage.publish(task(1000))
    await again.until_payload_with("new_task", id=1000)

    assert ids(again) == [*range(3, 3 + 2 * PAGE_FACTS), 1000]


async def test_of_a_fact_of_which_one_event_was_heard_the_other_is_told(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(change(5))
    await ear.until("algorithm_status_change")
    again = await follow(relay, stage, watcher, ear.of("status_update")[0]["offset"])

    assert [name for name, _ in again.heard if name in ("status_update", "algorithm_status_change")] == [
        "algorithm_status_change"
    ]


async def test_who_has_heard_everything_is_told_nothing_again(relay: Relay, stage: Stage, watcher: Principal) -> None:
    await stage.publish(task(1))
    ear = await follow(relay, stage, watcher, stage.api.history.end)

    assert (ear.of("new_task"), ear.of("history_caught_up")) == ([], [{"offset": stage.api.history.end}])


async def test_the_offset_may_stand_in_the_address(relay: Relay, stage: Stage, watcher: Principal) -> None:
    start = stage.api.history.end
    stage.record(task(1))
    ear = await relay.ear().connect(stage.auth.token(watcher), query=f"since={start}")
    await ear.until("history_caught_up")

    assert ids(ear) == [1]


async def test_what_happens_while_somebody_catches_up_is_told_once_and_in_order(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    """Somebody hears live events, so that the tail goes on meanwhile."""
    live = await follow(relay, stage, watcher)
    start = stage.api.history.end
    await stage.publish(*map(task, range(1, 150)))
    connecting = asyncio.create_task(follow(relay, stage, watcher, start))
    for number in range(150, 300):
        await stage.publish(task(number))
        await asyncio.sleep(0)
    ear = await connecting
    await live.until("new_task", 299)
    await ear.until("new_task", 299)

    assert (ids(ear), ids(live)) == (list(range(1, 300)), list(range(1, 300)))


async def test_events_that_the_broker_brings_in_another_order_are_told_in_that_of_the_history(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    stage.api.history.gate.clear()
    stage.record(task(1))
    await stage.publish(task(2))
    stage.api.history.gate.set()
    await ear.until("new_task", 2)

    assert ids(ear) == [1, 2]


async def test_a_message_that_is_published_twice_is_told_once(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1))
    await stage.bus.publish([stage.api.history.entries[0].envelope])
    await stage.publish(task(2))
    await ear.until("new_task", 2)

    assert ids(ear) == [1, 2]


@pytest.mark.parametrize("since", ["nonsense", "0" * 32 + ".7", "{epoch}.1", "{epoch}.99"])
async def test_who_comes_from_where_the_history_does_not_reach_is_told_of_the_gap(
    relay: Relay, stage: Stage, watcher: Principal, since: str
) -> None:
    stage.record(*map(task, range(1, 6)))
    stage.api.history.oldest = 4
    ear = await follow(relay, stage, watcher, since.format(epoch=stage.api.history.epoch.hex))
    await stage.publish(task(6))
    await ear.until("new_task")

    assert ear.of("history_gap") == ear.of("history_caught_up") == [{"offset": f"{stage.api.history.epoch.hex}.5"}]
    assert ids(ear) == [6]


async def test_when_a_new_epoch_begins_those_who_listen_are_told_of_the_gap(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1))
    await ear.until("new_task")
    stage.api.history.begin_anew()
    await stage.publish(task(2))
    await ear.until("history_gap")
    await stage.publish(task(3))
    await ear.until_payload_with("new_task", id=3)

    assert ear.of("history_gap") == [{"offset": f"{stage.api.history.epoch.hex}.1"}]
    assert ids(ear) == [1, 3]


async def test_who_joins_in_a_new_epoch_before_the_others_noticed_it_is_told_all_of_it(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    await follow(relay, stage, watcher)
    stage.api.history.begin_anew()
    start = stage.api.history.end
    stage.record(task(1))
    ear = await follow(relay, stage, watcher, start)
    await stage.publish(task(2))
    await ear.until_payload_with("new_task", id=2)

    assert (ids(ear), ear.of("history_gap")) == ([1, 2], [])


async def test_nothing_of_other_collaborations_is_told(relay: Relay, stage: Stage, watcher: Principal) -> None:
    start = stage.api.history.end
    stage.record(task(1), task(2, collaboration_id=9), task(3))
    ear = await follow(relay, stage, watcher, start)
    await stage.publish(task(4, collaboration_id=9), task(5))
    await ear.until_payload_with("new_task", id=5)

    assert ids(ear) == [1, 3, 5]


async def test_a_user_without_rights_to_receive_is_told_nothing_of_the_past(relay: Relay, stage: Stage) -> None:
    stage.api.collaborations[3] = [2]
    start = stage.api.history.end
    stage.record(task(1), change(5))
    ear = await follow(relay, stage, stage.auth.add_user(organization_id=2, rules=["task:GLOBAL:VIEW"]), start)

    assert [name for name, _ in ear.heard] == ["history_caught_up"]


async def test_a_user_with_organization_rights_is_told_of_its_own_organizations_part(
    relay: Relay, stage: Stage
) -> None:
    stage.api.collaborations[3] = [2, 8]
    start = stage.api.history.end
    stage.record(task(1), task(2).model_copy(update={"organization_ids": [8]}))
    ear = await follow(
        relay, stage, stage.auth.add_user(organization_id=2, rules=["event:ORGANIZATION:RECEIVE"]), start
    )

    assert ids(ear) == [1]


async def test_a_user_with_global_rights_is_told_everything(relay: Relay, stage: Stage) -> None:
    start = stage.api.history.end
    stage.record(task(1), task(2, collaboration_id=9))
    ear = await follow(relay, stage, stage.auth.add_user(organization_id=1, role="Root"), start)

    assert ids(ear) == [1, 2]


async def test_who_lost_a_right_is_not_told_what_it_could_have_heard(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1))
    offset = (await ear.until("new_task"))[0]["offset"]
    await ear.client.disconnect()
    stage.record(task(2))
    stage.api.collaborations[3] = [8]
    await stage.publish(MembershipChanged(collaboration_id=3, organization_ids=[8], revision=2))
    again = await follow(relay, stage, watcher, offset)

    assert ids(again) == []


async def test_who_loses_a_right_hears_nothing_more_from_then_on(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(task(1))
    await ear.until("new_task")
    stage.api.collaborations[3] = [8]
    await stage.publish(MembershipChanged(collaboration_id=3, organization_ids=[8], revision=2))
    await eventually(lambda: any("left room" in text for text in ear.of("message")))
    stage.api.collaborations[4] = [2]
    await stage.publish(MembershipChanged(collaboration_id=4, organization_ids=[2], revision=2))
    await eventually(lambda: len(ear.of("message")) == 3)
    await stage.publish(task(2), task(3, collaboration_id=4))
    await ear.until_payload_with("new_task", id=3)

    assert ids(ear) == [1, 3]


async def test_a_node_that_asks_for_offsets_hears_what_nodes_hear(relay: Relay, stage: Stage) -> None:
    node = stage.node(7, organization_id=2, collaboration_id=3)
    stage.record(task(1))
    ear = await relay.ear().connect(stage.auth.token(node), auth={"since": "nonsense"})
    await ear.until("sync")
    await stage.publish(task(2))

    assert await ear.until("new_task") == [{"id": 2, "parent_id": None}]


async def test_an_event_of_which_the_broker_brought_no_word_is_told_all_the_same(
    relay: Relay, stage: Stage, watcher: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sextant_relay.following._RECHECK_SECONDS", 0.1)
    ear = await follow(relay, stage, watcher)
    stage.record(task(1))
    await ear.until("new_task")

    assert ids(ear) == [1]


async def test_after_a_gap_of_the_broker_the_history_is_read_on(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    stage.record(task(1))
    await stage.gap()
    await ear.until("new_task")

    assert ids(ear) == [1]


async def test_while_api_is_away_nothing_is_lost(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    start = stage.api.history.end
    stage.api.history.down = True
    await stage.publish(task(1))
    late = await relay.ear().connect(stage.auth.token(watcher), auth={"since": start})
    await late.until("message")
    await stage.publish(task(2))
    stage.api.history.down = False
    await ear.until("new_task", 2)
    await late.until("new_task", 2)

    assert (ids(ear), ids(late)) == ([1, 2], [1, 2])


async def test_more_than_a_socket_may_have_waiting_is_told_bit_by_bit(stage: Stage, watcher: Principal) -> None:
    start = stage.api.history.end
    stage.record(*map(task, range(3 * PAGE_FACTS)))
    async with stage.relay(socket_queue_packets=20) as relay:
        ear = await follow(relay, stage, watcher, start)

    assert ids(ear) == list(range(3 * PAGE_FACTS))


async def test_who_leaves_while_it_is_told_what_it_missed_is_forgotten(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    start = stage.api.history.end
    stage.record(task(1))
    stage.api.history.gate.clear()
    ear = await relay.ear().connect(stage.auth.token(watcher), auth={"since": start})
    await eventually(lambda: stage.api.history.read)
    await ear.client.disconnect()
    await eventually(lambda: relay.connections("user") == 0)
    stage.api.history.gate.set()
    again = await follow(relay, stage, watcher, start)

    assert ids(again) == [1]


async def test_a_flood_of_those_who_come_back_does_not_keep_the_others_waiting(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    """Whoever does not ask for offsets hears at once, though the history gives no answer at all."""
    start = stage.api.history.end
    stage.record(*map(task, range(PAGE_FACTS)))
    plain_ear = await relay.ear().connect(stage.auth.token(watcher))
    await plain_ear.until("message")
    stage.api.history.gate.clear()
    ears = [await relay.ear().connect(stage.auth.token(watcher), auth={"since": start}) for _ in range(12)]
    await relay.until_identified(13)
    await eventually(lambda: stage.api.history.read == 4)
    await stage.publish(task(1000))
    await plain_ear.until("new_task")
    stage.api.history.gate.set()
    for ear in ears:
        await ear.until_payload_with("new_task", id=1000)

    assert [ids(ear) for ear in ears] == [[*range(PAGE_FACTS), 1000]] * 12


async def test_a_fact_that_cannot_be_read_here_does_not_keep_back_those_after_it(
    relay: Relay, stage: Stage, watcher: Principal
) -> None:
    ear = await follow(relay, stage, watcher)
    start = stage.api.history.end
    stage.api.history.add(envelope(task(1)).model_copy(update={"version": 99}))
    await stage.publish(task(2))
    await ear.until("new_task")
    late = await follow(relay, stage, watcher, start)

    assert (ids(ear), ids(late)) == ([2], [2])


async def test_presence_is_told_to_those_who_follow(relay: Relay, stage: Stage, watcher: Principal) -> None:
    ear = await follow(relay, stage, watcher)
    await stage.publish(NodeOnline(node_id=7, name="north", organization_id=2, collaboration_id=3))
    (heard,) = await ear.until("node-online")

    assert plain(heard) == {"id": 7, "name": "north", "org_id": 2}
