"""The checker finds each kind of wrong that it is there to find, and nothing in a history that is right."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.history import Accepted, Asked, Delivered, Entry, Executed, Heard, History, Refused
from tests.faults.invariants import INVARIANTS, Cast, Exempt, Final, Run, Task, check

CAST = Cast(
    organizations={1: 101, 2: 102},
    outsiders=frozenset({"otto"}),
    listeners={"node 1": 1, "node 2": 2},
    connected=frozenset({1}),
)
GOOD: list[Entry] = [
    Asked("sum", [101, 102]),
    Accepted("sum", 7),
    Heard("node 1", "new_task", {"id": 7, "parent_id": None}),
    Executed(1, 71, 7),
    Executed(2, 72, 7),
    Delivered(1, 71, "r1"),
    Delivered(2, 72, "r2"),
    Heard("walter", "status_update", {"run_id": 71}),
    Heard("otto", "node-online", {"id": 9}),
    Refused("node 1", "POST", "/api/token/container", 400, {}),
]
TASK = Task(7, "sum", "completed", [Run(71, 101, "completed", "r1"), Run(72, 102, "completed", "r2")])
FINAL = Final([TASK], {1: "online", 2: "offline"})


def history(*further: Entry) -> History:
    made = History()
    for entry in [*GOOD, *further]:
        made.note(entry)
    return made


def with_run(**changes: Any) -> Final:
    """The end, with the first run changed."""
    return replace(FINAL, tasks=[replace(TASK, runs=[replace(TASK.runs[0], **changes), TASK.runs[1]])])


def found(complaints: list[str]) -> set[str]:
    return {complaint.partition(":")[0] for complaint in complaints}


def test_nothing_is_found_in_a_history_that_is_right() -> None:
    assert check(history(), FINAL, CAST) == []


WRONG: dict[str, Callable[[], list[str]]] = {
    "each_accepted_task_is_there": lambda: check(history(Accepted("other", 8)), FINAL, CAST),
    "no_task_is_half_made": lambda: check(history(), Final([replace(TASK, runs=TASK.runs[:1])], FINAL.presence), CAST),
    "each_task_reaches_its_nodes": lambda: check(history(), with_run(status="pending"), CAST),
    "no_run_is_executed_twice": lambda: check(history(Executed(1, 71, 7)), FINAL, CAST),
    "each_run_is_executed_by_its_own_node": lambda: check(history(Executed(2, 71, 7)), FINAL, CAST),
    "no_acknowledged_result_is_lost": lambda: check(history(), with_run(result=None), CAST),
    "outsiders_hear_nothing": lambda: check(history(Heard("otto", "new_task", {"id": 7})), FINAL, CAST),
    "nodes_hear_of_their_own_tasks_alone": lambda: check(
        history(Heard("node 2", "new_task", {"id": 7})),
        Final([Task(7, "sum", "completed", [TASK.runs[0]])], FINAL.presence),
        CAST,
    ),
    "presence_is_right": lambda: check(history(), replace(FINAL, presence={1: "offline", 2: "offline"}), CAST),
    "nobody_is_answered_with_a_server_error": lambda: check(
        history(Refused("node 1", "PATCH", "/api/run/71", 503, {})), FINAL, CAST
    ),
}


def test_there_is_a_wrong_history_for_each_invariant() -> None:
    assert set(WRONG) == {invariant.__name__ for invariant in INVARIANTS}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str) -> None:
    assert name in found(WRONG[name]())


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("new_task", {"id": 7, "parent_id": None}),
        ("status_update", {"run_id": 71}),
        ("algorithm_status_change", {"task_id": 7, "run_id": 71, "status": "active"}),
        ("algorithm_log", {"task_id": 7, "run_id": 71, "log": "x"}),
        ("node-online", {"id": 1}),
        ("node-offline", {"id": 2}),
        ("kill_containers", {"kill_list": [{"run_id": 72}]}),
    ],
)
def test_every_kind_of_event_that_an_outsider_hears_is_found(event: str, payload: dict[str, Any]) -> None:
    assert found(check(history(Heard("otto", event, payload)), FINAL, CAST)) == {"outsiders_hear_nothing"}


def test_what_a_fault_allows_is_no_complaint() -> None:
    allowed = Exempt(killed=frozenset({7}), server_errors=True)
    wrong = history(Refused("node 1", "GET", "/api/run", 503, {}))
    assert check(wrong, with_run(status="killed", result="r1"), CAST, allowed) == []


def test_a_run_whose_node_is_gone_may_stay_open() -> None:
    assert check(history(), with_run(status="active"), CAST, Exempt(unfinished=frozenset({71}))) == []
