"""`GET /api/event`: what sockets hear, for programs without one."""

import asyncio
from typing import Any

import httpx2
import pytest

from services.api.tests.kit import Api
from sextant_api.history.watch import HistoryWatch
from sextant_shared.contract.events import (
    MembershipChanged,
    NodeSyncRequested,
    PrincipalChanged,
    RunStatusChanged,
    TaskCreated,
)
from sextant_shared.contract.messages import Content
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.security import Principal

NEWEST = {"since": "newest"}


class World:
    """Two hospitals in one collaboration, a clinic in another."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.start = ""

    async def build(self) -> "World":
        api = self.api
        self.north, self.south, self.clinic = [
            await api.add_organization(name) for name in ("north", "south", "clinic")
        ]
        self.together = await api.add_collaboration("together", [self.north, self.south])
        self.elsewhere = await api.add_collaboration("elsewhere", [self.clinic])
        self.start = (await api.get("/api/event", api.root, **NEWEST)).json()["offset"]
        return self

    def user(self, *rules: str, organization: int | None = None) -> Principal:
        return self.api.auth.add_user(organization_id=organization or self.north, rules=rules)

    def watcher(self) -> Principal:
        return self.user("event:COLLABORATION:RECEIVE")

    async def record(self, *facts: Content) -> None:
        async with self.api.db.transaction() as tx:
            for fact in facts:
                tx.record(fact)

    def task(self, task_id: int, organization: int | None = None) -> TaskCreated:
        return TaskCreated(
            task_id=task_id, parent_id=None, job_id=task_id, collaboration_id=self.together,
            organization_ids=[organization or self.north],
        )  # fmt: skip

    def change(self, run_id: int) -> RunStatusChanged:
        return RunStatusChanged(
            run_id=run_id, task_id=1, job_id=1, parent_id=None, collaboration_id=self.together,
            organization_id=self.north, node_id=7, status=RunStatus.ACTIVE,
        )  # fmt: skip

    async def ask(self, who: Principal, since: str | None = None, **query: Any) -> httpx2.Response:
        return await self.api.get("/api/event", who, since=since or self.start, **query)


@pytest.fixture
async def world(api: Api) -> World:
    return await World(api).build()


def told(answer: httpx2.Response) -> list[tuple[str, int]]:
    """The events of an answer, each with the id in its payload."""
    assert answer.status_code == 200, answer.text
    return [(each["event"], each["payload"].get("id") or each["payload"]["run_id"]) for each in answer.json()["data"]]


async def test_an_event_is_told_as_on_the_socket_with_id_offset_time_and_collaboration(world: World) -> None:
    await world.record(world.task(4))
    answer = (await world.ask(world.watcher())).json()
    (envelope,) = await world.api.events(TaskCreated)

    assert answer["data"] == [
        {
            "id": str(envelope.id),
            "offset": answer["offset"],
            "event": "new_task",
            "payload": {"id": 4, "parent_id": None},
            "time": envelope.time.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "collaboration_id": world.together,
        }
    ]
    assert answer["links"] == {"self": f"/api/event?since={world.start}"}


async def test_a_fact_that_is_two_events_is_told_as_two(world: World) -> None:
    await world.record(world.change(5))
    events = (await world.ask(world.watcher())).json()["data"]

    assert [each["event"] for each in events] == ["status_update", "algorithm_status_change"]
    assert (events[0]["id"], len({each["offset"] for each in events})) == (events[1]["id"], 2)


async def test_what_is_for_nodes_or_services_alone_is_not_told(world: World) -> None:
    await world.record(
        NodeSyncRequested(node_id=7, collaboration_id=world.together),
        MembershipChanged(collaboration_id=world.together, organization_ids=[], revision=9),
    )

    assert told(await world.ask(world.api.root)) == []


async def test_from_the_offset_of_an_event_come_those_after_it(world: World) -> None:
    await world.record(world.task(1), world.change(5), world.task(2))
    events = (await world.ask(world.watcher())).json()["data"]
    rest = [told(await world.ask(world.watcher(), since=each["offset"])) for each in events]

    everything = [("new_task", 1), ("status_update", 5), ("algorithm_status_change", 5), ("new_task", 2)]
    assert rest == [everything[position:] for position in range(1, 5)]


async def test_without_an_offset_the_answer_begins_with_the_oldest_event(world: World) -> None:
    await world.record(world.task(1), world.task(2))
    await world.api.collaborators.history.tidy()

    assert told(await world.api.get("/api/event", world.watcher())) == [("new_task", 1), ("new_task", 2)]


async def test_many_events_are_told_in_pages_that_lead_on(world: World) -> None:
    await world.record(*(fact for number in range(1, 5) for fact in (world.task(number), world.change(number))))
    path, pages = f"/api/event?per_page=5&since={world.start}", []
    while path:
        answer = await world.api.call("GET", path, world.watcher())
        pages.append(told(answer))
        path = answer.json()["links"].get("next", "")

    assert [len(page) for page in pages] == [5, 5, 2]
    assert [event for page in pages for event in page] == [
        event
        for number in range(1, 5)
        for event in (("new_task", number), ("status_update", number), ("algorithm_status_change", number))
    ]


async def test_who_hears_little_of_much_is_led_on(world: World) -> None:
    """Organization rights narrow less than what is looked through for one answer."""
    await world.record(*(world.task(number, world.south) for number in range(1, 9)), world.task(9))
    user = world.user("event:ORGANIZATION:RECEIVE")
    first = await world.ask(user, per_page=1)
    second = await world.api.call("GET", first.json()["links"]["next"], user)

    assert (told(first), told(second)) == ([], [("new_task", 9)])


@pytest.mark.parametrize(
    ("scope", "expected"), [("GLOBAL", [1, 2, 3]), ("COLLABORATION", [1, 2]), ("ORGANIZATION", [1])]
)
async def test_what_is_told_goes_by_the_rights_to_receive(world: World, scope: str, expected: list[int]) -> None:
    far = TaskCreated(
        task_id=3, parent_id=None, job_id=3, collaboration_id=world.elsewhere, organization_ids=[world.clinic]
    )
    await world.record(world.task(1), world.task(2, world.south), far)

    assert [id_ for _, id_ in told(await world.ask(world.user(f"event:{scope}:RECEIVE")))] == expected


async def test_a_user_of_no_collaboration_is_told_nothing(world: World) -> None:
    await world.record(world.task(1))
    loner = world.user("event:COLLABORATION:RECEIVE", organization=await world.api.add_organization("loner"))

    assert told(await world.ask(loner)) == []


async def test_who_may_receive_nothing_is_refused(world: World) -> None:
    answer = await world.ask(world.user("event:GLOBAL:SEND", "task:GLOBAL:VIEW"))

    assert (answer.status_code, answer.json()["code"]) == (401, "permission_denied")


async def test_a_list_can_be_narrowed_to_a_collaboration(world: World) -> None:
    await world.record(world.task(1))
    answers = [
        await world.ask(who, collaboration_id=collaboration)
        for who, collaboration in (
            (world.watcher(), world.together),
            (world.api.root, world.together),
            (world.api.root, world.elsewhere),
        )
    ]

    assert [told(answer) for answer in answers] == [[("new_task", 1)], [("new_task", 1)], []]


async def test_a_collaboration_that_is_not_the_callers_is_refused(world: World) -> None:
    answer = await world.ask(world.watcher(), collaboration_id=world.elsewhere)

    assert (answer.status_code, answer.json()["code"]) == (401, "permission_denied")


async def test_nodes_and_strangers_are_refused(world: World) -> None:
    node = await world.api.add_node(world.north, world.together)
    answers = [await world.api.get("/api/event", caller) for caller in (node, None)]

    assert [answer.status_code for answer in answers] == [403, 401]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": ""}, "since"),
        ({"since": "7"}, "since"),
        ({"per_page": "0"}, "per_page"),
        ({"per_page": "many"}, "per_page"),
        ({"wait": "-1"}, "wait"),
        ({"collaboration_id": "x"}, "collaboration_id"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(plain_api: Api, query: dict[str, str], field: str) -> None:
    answer = await plain_api.get("/api/event", plain_api.root, **query)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("since", ["00000000000000000000000000000001.1", "{epoch}.99999"])
async def test_an_offset_of_another_history_is_gone(world: World, since: str) -> None:
    answer = await world.ask(world.watcher(), since=since.format(epoch=world.start.partition(".")[0]))

    assert (answer.status_code, answer.json()["code"], answer.json()["offset"]) == (410, "history_gap", world.start)


async def test_an_offset_is_gone_when_what_followed_it_is(world: World) -> None:
    await world.record(world.task(1), world.task(2))
    second = (await world.ask(world.watcher())).json()["data"][0]["offset"]
    await world.api.pass_time(3601)
    await world.record(world.task(3))
    await world.api.collaborators.history.tidy()
    answers = [await world.ask(world.watcher(), since=since) for since in (world.start, second)]
    again = await world.ask(world.watcher(), since=answers[0].json()["offset"])

    assert [answer.status_code for answer in answers] == [410, 410]
    assert told(again) == []


async def test_a_list_costs_few_statements_however_long_it_is(world: World) -> None:
    await world.record(*map(world.task, range(1, 101)))
    await world.ask(world.watcher())
    counts = []
    for per_page in (10, 100):
        with world.api.counting() as statements:
            await world.ask(world.watcher(), per_page=per_page)
        counts.append(len(statements))

    assert counts == [3, 3]


async def until_waiting(watch: HistoryWatch, count: int) -> None:
    async with asyncio.timeout(10):
        while len(watch._waiters) < count:
            await asyncio.sleep(0.01)


async def run_bus(api: Api) -> "asyncio.Task[None]":
    return asyncio.create_task(api.bus.run())


async def test_who_waits_is_told_of_the_next_event_that_it_may_hear(world: World) -> None:
    running = await run_bus(world.api)
    waiting = asyncio.create_task(world.ask(world.watcher(), wait=20))
    await until_waiting(world.api.collaborators.history_watch, 1)
    far = TaskCreated(task_id=3, parent_id=None, job_id=3, collaboration_id=world.elsewhere, organization_ids=[])
    await world.record(far, world.task(4))
    await world.api.bus.publish(await world.api.events(TaskCreated))
    answer = await asyncio.wait_for(waiting, 4)
    running.cancel()

    assert told(answer) == [("new_task", 4)]


async def test_who_waits_for_nothing_is_answered_when_its_time_is_up(world: World) -> None:
    answer = await world.ask(world.watcher(), wait=1)

    assert (told(answer), answer.json()["offset"]) == ([], world.start)


async def test_who_waits_is_told_though_nothing_was_heard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sextant_api.history.watch._RECHECK_SECONDS", 0.05)
    waiting = asyncio.create_task(world.ask(world.watcher(), wait=20))
    await until_waiting(world.api.collaborators.history_watch, 1)
    await world.record(world.task(4))

    assert told(await asyncio.wait_for(waiting, 4)) == [("new_task", 4)]


async def test_who_loses_its_rights_while_it_waits_is_refused(world: World) -> None:
    running = await run_bus(world.api)
    watcher = world.watcher()
    waiting = asyncio.create_task(world.ask(watcher, wait=20))
    await until_waiting(world.api.collaborators.history_watch, 1)
    changed = Principal.model_validate(
        watcher.model_dump() | {"rules": ["task:GLOBAL:VIEW"], "version": watcher.version + 1}
    )
    world.api.auth.put(changed)
    await world.record(
        PrincipalChanged(client_type=watcher.client_type, principal_id=watcher.id, principal_version=changed.version),
        world.task(4),
    )
    await world.api.bus.publish(await world.api.events(PrincipalChanged, TaskCreated))
    answer = await asyncio.wait_for(waiting, 4)
    running.cancel()

    assert answer.status_code == 401


async def test_who_waits_is_let_go_when_the_process_ends(world: World) -> None:
    watch = world.api.collaborators.history_watch
    waiting = asyncio.create_task(world.ask(world.watcher(), wait=20))
    await until_waiting(watch, 1)
    await watch.release()
    answer = await asyncio.wait_for(waiting, 4)

    assert (told(answer), told(await asyncio.wait_for(world.ask(world.watcher(), wait=20), 4))) == ([], [])


async def test_events_are_heard_only_while_somebody_waits(world: World) -> None:
    watch = world.api.collaborators.history_watch
    keys = watch._broadcast._keys  # type: ignore[attr-defined]  # of the bus in the process
    before = set(keys)
    await world.ask(world.watcher(), wait=1)
    meanwhile = set(keys)
    await watch.let_go()

    assert (before, meanwhile, set(keys)) == (set(), {"*.*.*"}, set())
