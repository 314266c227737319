"""What becomes of runs when nodes speak about them: the state machine, and the status of the task that follows it."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.tests.work.world import World
from sextant_api.models import run_results
from sextant_shared.contract.events import RunStatusChanged
from sextant_shared.contract.statuses import RunStatus, may_follow, task_status

FINAL = [status for status in RunStatus if status.is_final]
ONGOING = [status for status in RunStatus if not status.is_final]


async def changes(world: World) -> list[tuple[int, str, bool]]:
    """The told changes of runs: run, status, whether it is announced."""
    told = [RunStatusChanged.opened(envelope) for envelope in await world.api.events(RunStatusChanged)]
    return [(event.run_id, event.status.value, event.announce) for event in told]


async def refused(world: World, run: dict[str, Any], **change: Any) -> int:
    return (await world.api.patch(f"/api/run/{run['id']}", world.near_node, **change)).status_code


async def test_a_run_goes_from_pending_to_a_result(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    begun = await world.patch(run, world.near_node, started_at="2024-03-01T10:00:00.000001+00:00")
    assert (begun["status"], begun["started_at"]) == ("pending", "2024-03-01T10:00:00.000001")
    active = await world.patch(run, world.near_node, status="active")
    assert (active["status"], active["started_at"], active["finished_at"]) == ("active", begun["started_at"], None)
    assert await world.status(task) == "active"
    ended = await world.patch(
        run,
        world.near_node,
        result="eA==",
        log="all went well",
        status="completed",
        finished_at="2024-03-01T10:00:01.5+00:00",
    )

    assert (ended["status"], ended["finished_at"], ended["log"]) == (
        "completed",
        "2024-03-01T10:00:01.500000",
        "all went well",
    )
    shown = (await world.api.get(f"/api/task/{task['id']}", world.researcher)).json()
    assert (shown["status"], shown["finished_at"]) == ("completed", ended["finished_at"])


async def test_every_change_is_told_and_only_the_end_is_announced(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    await world.patch(run, world.near_node, started_at="2024-03-01T10:00:00")
    await world.patch(run, world.near_node, status="active")
    await world.patch(run, world.near_node, status="completed")

    assert await changes(world) == [
        (run["id"], "pending", False),
        (run["id"], "active", False),
        (run["id"], "completed", True),
    ]
    event = RunStatusChanged.opened((await world.api.events(RunStatusChanged))[-1])
    assert (event.task_id, event.job_id, event.node_id) == (task["id"], task["job_id"], world.near_node.id)


async def test_what_is_not_sent_stays_as_it_is(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    sent = {"log": "said", "started_at": "2024-03-01T10:00:00", "result": "eA=="}
    await world.patch(run, world.near_node, **sent)

    for change in ({"status": "initializing"}, {"status": "active"}, {}):
        after = await world.patch(run, world.near_node, **change)
        assert (after["log"], after["started_at"]) == ("said", "2024-03-01T10:00:00.000000")
    result = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()["result"]
    assert result == "eA=="


async def test_a_result_or_log_that_is_sent_again_replaces_the_first(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.patch(run, world.near_node, result="b25l", log="one")

    shown = await world.patch(run, world.near_node, result="dHdv", log="")

    result = (await world.api.get(f"/api/result/{run['id']}", world.researcher)).json()["result"]
    assert (result, shown["log"], await world.api.count(run_results)) == ("dHdv", "", 1)


async def test_an_end_without_a_time_gets_the_databases(world: World) -> None:
    run = await world.run_of(await world.task(world.near), world.near)

    ended = await world.patch(run, world.near_node, status="failed")

    assert ended["finished_at"] >= run["assigned_at"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-01-02T03:04:05", "2024-01-02T03:04:05.000000"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000"),
        ("2024-01-02T03:04:05.5+02:00", "2024-01-02T01:04:05.500000"),
        ("2024-01-02 03:04:05.000001", "2024-01-02T03:04:05.000001"),
    ],
)
async def test_iso_times_are_read_with_and_without_zone(world: World, text: str, shown: str) -> None:
    run = await world.run_of(await world.task(world.near), world.near)

    assert (await world.patch(run, world.near_node, started_at=text))["started_at"] == shown


async def test_what_makes_no_sense_is_named_and_changes_nothing(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    await world.api.forget_events()
    nonsense: list[tuple[str, Any]] = [
        *itertools.product(
            ["started_at", "finished_at"], ["", "2024-01-02", "soon", 5, None, "0001-01-01T00:00:00+14:00"]
        ),
        *itertools.product(["status"], ["", " ", "sleeping", 5, None, [], True]),
        *itertools.product(["log", "result"], [None, 5, [], {}, True]),
        ("result", "a\0b"),
        ("surprise", 1),
    ]

    told = []
    for field, value in nonsense:
        answer = await world.api.patch(f"/api/run/{run['id']}", world.near_node, **{field: value})
        told.append((answer.status_code, list(answer.json()["errors"])))

    assert told == [(400, [field]) for field, _ in nonsense]
    assert await world.run_of(task, world.near) == run
    assert await changes(world) == []


async def test_a_log_with_what_cannot_be_stored_is_kept_nevertheless(world: World) -> None:
    run = await world.run_of(await world.task(world.near), world.near)

    shown = await world.patch(run, world.near_node, status="completed", log="a\0b", result="eA==")

    assert (shown["status"], shown["log"]) == ("completed", "a\N{REPLACEMENT CHARACTER}b")


async def test_an_end_needs_a_status_that_says_so(world: World) -> None:
    run = await world.run_of(await world.task(world.near), world.near)

    assert await refused(world, run, finished_at="2024-01-02T03:04:05") == 400
    assert await refused(world, run, finished_at="2024-01-02T03:04:05", status="active") == 400


async def test_only_the_runs_own_node_may_change_it(world: World) -> None:
    other = await world.api.add_collaboration("other", [world.near])
    sibling = await world.api.add_node(world.near, other)
    run = await world.run_of(await world.task(), world.near)
    path = f"/api/run/{run['id']}"

    told = {
        caller: (await world.api.patch(path, principal, status="active")).status_code
        for caller, principal in {
            "partner": world.far_node,
            "own organization's node elsewhere": sibling,
            "user": world.researcher,
            "root": world.api.root,
        }.items()
    }

    assert told == {"partner": 401, "own organization's node elsewhere": 401, "user": 403, "root": 403}
    assert (await world.api.patch("/api/run/987654", world.near_node, status="active")).status_code == 404
    assert (await world.patch(run, world.near_node, status="active"))["status"] == "active"


async def test_the_state_machine_is_the_contracts(world: World) -> None:
    told, expected = {}, {}
    for before, after in itertools.product(ONGOING, RunStatus):
        run = await world.run_of(await world.task(world.near), world.near)
        await world.patch(run, world.near_node, status=before.value)
        told[before, after] = (await refused(world, run, status=after.value)) == 200
        expected[before, after] = may_follow(before, after)

    assert told == expected


@pytest.mark.parametrize("before", [RunStatus.COMPLETED, RunStatus.CRASHED])
async def test_nothing_moves_a_run_that_has_ended(world: World, before: RunStatus) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    ended = await world.patch(run, world.near_node, status=before.value, log="the end")
    await world.api.forget_events()

    attempts: list[dict[str, Any]] = [{"status": status.value, "result": "eA=="} for status in RunStatus]
    attempts += [{"log": "more"}, {"started_at": "2024-01-02T03:04:05"}, {}]

    assert [await refused(world, run, **attempt) for attempt in attempts] == [400] * len(attempts)
    assert await world.run_of(task, world.near) == ended
    assert await changes(world) == []


async def test_a_node_that_lost_the_answer_may_say_the_same_again(world: World) -> None:
    run = await world.run_of(await world.task(world.near), world.near)
    last = {"status": "completed", "result": "eA==", "log": "done", "finished_at": "2024-01-02T03:04:05.000006+00:00"}
    first = await world.patch(run, world.near_node, **last)
    told = await changes(world)

    again = await world.patch(run, world.near_node, **last)

    assert again == first
    assert await changes(world) == told


async def test_a_failing_run_ends_those_that_have_not_begun(world: World) -> None:
    task = await world.task()
    near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]
    await world.api.forget_events()

    await world.patch(near, world.near_node, status="crashed")

    other = await world.run_of(task, world.far)
    assert (other["status"], other["finished_at"] is not None) == ("failed", True)
    assert f"run {near['id']}" in other["log"]
    assert "crashed" in other["log"]
    assert await world.status(task) == "failed"
    assert sorted(await changes(world)) == sorted([(near["id"], "crashed", True), (far["id"], "failed", True)])
    # what has begun goes on
    task = await world.task()
    await world.patch(await world.run_of(task, world.far), world.far_node, started_at="2024-01-02T03:04:05")
    await world.patch(await world.run_of(task, world.near), world.near_node, status="crashed")
    assert (await world.run_of(task, world.far))["status"] == "pending"
    assert await world.status(task) == "crashed"


async def test_open_runs_are_those_that_have_not_ended(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)

    async def open_runs() -> list[int]:
        answer = await world.api.get("/api/run", world.near_node, state="open", node_id=world.near_node.id)
        return [entry["id"] for entry in answer.json()["data"]]

    for status in ONGOING:
        await world.patch(run, world.near_node, status=status.value)
        assert await open_runs() == [run["id"]]
    await world.patch(run, world.near_node, status="completed")
    assert await open_runs() == []


async def test_siblings_that_end_at_once_agree_on_the_task(world: World) -> None:
    for _ in range(5):
        task = await world.task()
        near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]

        await asyncio.gather(
            world.patch(near, world.near_node, status="completed", result="eA=="),
            world.patch(far, world.far_node, status="completed", result="eA=="),
        )

        assert await world.status(task) == "completed"


async def test_of_two_ends_that_are_said_at_once_the_first_stays_and_the_second_is_refused(world: World) -> None:
    for _ in range(5):
        task = await world.task(world.near)
        run = await world.run_of(task, world.near)
        await world.api.forget_events()

        answers = await asyncio.gather(
            world.api.patch(f"/api/run/{run['id']}", world.near_node, status="completed", result="eA=="),
            world.api.patch(f"/api/run/{run['id']}", world.near_node, status="crashed", log="it broke"),
        )

        assert sorted(answer.status_code for answer in answers) == [200, 400]
        said = "completed" if answers[0].status_code == 200 else "crashed"
        refusal = next(answer for answer in answers if answer.status_code == 400)
        assert refusal.json()["msg"] == f"Run {run['id']} has ended already, with status '{said}'"
        assert await changes(world) == [(run["id"], said, True)]
        assert (await world.run_of(task, world.near))["log"] == (None if said == "completed" else "it broke")
        assert await world.status(task) == said


async def test_a_run_that_begins_while_its_sibling_fails_goes_on_or_has_failed_but_not_both(world: World) -> None:
    for _ in range(5):
        task = await world.task()
        near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]

        failed, begun = await asyncio.gather(
            world.api.patch(f"/api/run/{near['id']}", world.near_node, status="crashed"),
            world.api.patch(f"/api/run/{far['id']}", world.far_node, status="active"),
        )

        assert (failed.status_code, begun.status_code in (200, 400)) == (200, True)
        left = await world.run_of(task, world.far)
        expected = ("active", False) if begun.status_code == 200 else ("failed", True)
        assert (left["status"], left["finished_at"] is not None) == expected


async def test_a_run_that_ends_and_is_killed_at_once_ends_once(world: World) -> None:
    for _ in range(5):
        task = await world.task(world.near)
        run = await world.run_of(task, world.near)
        await world.api.forget_events()

        patched, killed = await asyncio.gather(
            world.api.patch(f"/api/run/{run['id']}", world.near_node, status="completed", result="eA=="),
            world.api.post("/api/kill/task", world.admin, id=task["id"]),
        )

        assert sorted((patched.status_code, killed.status_code)) == [200, 400]
        expected = "completed" if patched.status_code == 200 else "killed by user"
        assert await changes(world) == [(run["id"], expected, True)]
        assert await world.status(task) == expected


@given(st.lists(st.sampled_from(RunStatus), max_size=8))
def test_the_status_of_a_task_is_the_first_rule_that_fits(runs: list[RunStatus]) -> None:
    failures = {run for run in runs if run.is_failure}
    rules = [
        (len(failures) == 1, next(iter(failures), None)),
        (len(failures) > 1, RunStatus.FAILED),
        (RunStatus.ACTIVE in runs, RunStatus.ACTIVE),
        (RunStatus.INITIALIZING in runs, RunStatus.INITIALIZING),
        (RunStatus.PENDING in runs, RunStatus.PENDING),
        (True, RunStatus.COMPLETED),
    ]

    assert task_status(runs) is next(status for fits, status in rules if fits)


async def test_the_stored_status_of_a_task_is_the_computed_one(world: World) -> None:
    stored, computed = {}, {}
    for ends in [*zip(FINAL, FINAL, strict=True), *itertools.pairwise(FINAL)]:
        task = await world.task()
        near, far = [await world.run_of(task, organization) for organization in (world.near, world.far)]
        # begun, so that the failure of the one leaves it alone
        await world.patch(far, world.far_node, status="active")
        await world.patch(near, world.near_node, status=ends[0].value)
        await world.patch(far, world.far_node, status=ends[1].value)
        shown = (await world.api.get(f"/api/task/{task['id']}", world.researcher)).json()
        stored[ends] = (shown["status"], shown["finished_at"] is not None)
        computed[ends] = (task_status(ends).value, task_status(ends) is RunStatus.COMPLETED)

    assert stored == computed
