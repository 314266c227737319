"""The states of runs, and the state of a task that follows from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sextant_shared.contract.statuses import FINAL_STATUSES, RunStatus, may_follow, task_status

S = RunStatus
FAILURES = [
    S.FAILED,
    S.START_FAILED,
    S.NO_DOCKER_IMAGE,
    S.CRASHED,
    S.KILLED,
    S.NOT_ALLOWED,
    S.UNKNOWN_ERROR,
]
runs = st.lists(st.sampled_from(RunStatus), max_size=8)


def test_the_wire_spells_them_like_this() -> None:
    assert [status.value for status in RunStatus] == [
        "pending",
        "initializing",
        "active",
        "completed",
        "failed",
        "start failed",
        "non-existing Docker image",
        "crashed",
        "killed by user",
        "not allowed",
        "unknown error",
    ]


def test_a_run_is_over_when_it_completed_or_failed() -> None:
    assert {S.COMPLETED, *FAILURES} == FINAL_STATUSES


@pytest.mark.parametrize(
    ("of_runs", "expected"),
    [
        ([], S.COMPLETED),
        ([S.COMPLETED, S.COMPLETED], S.COMPLETED),
        ([S.COMPLETED, S.PENDING], S.PENDING),
        ([S.PENDING, S.INITIALIZING], S.INITIALIZING),
        ([S.PENDING, S.INITIALIZING, S.ACTIVE, S.COMPLETED], S.ACTIVE),
        ([S.ACTIVE, S.CRASHED], S.CRASHED),
        ([S.CRASHED, S.CRASHED, S.COMPLETED], S.CRASHED),
        ([S.CRASHED, S.KILLED], S.FAILED),
        ([S.KILLED, S.FAILED], S.FAILED),
    ],
)
def test_the_status_of_a_task_follows_from_its_runs(of_runs: list[RunStatus], expected: RunStatus) -> None:
    assert task_status(of_runs) is expected


@given(of_runs=runs, data=st.data())
def test_the_order_of_the_runs_does_not_matter(of_runs: list[RunStatus], data: st.DataObject) -> None:
    assert task_status(of_runs) is task_status(data.draw(st.permutations(of_runs)))


@given(of_runs=runs)
def test_a_task_says_nothing_that_no_run_of_it_does_unless_failures_differ(of_runs: list[RunStatus]) -> None:
    status = task_status(of_runs)

    differing_failures = len({run for run in of_runs if run.is_failure}) > 1
    assert status in of_runs or (status is S.FAILED and differing_failures) or (status is S.COMPLETED and not of_runs)


@given(of_runs=runs, failure=st.sampled_from(FAILURES))
def test_one_failed_run_makes_a_failed_task(of_runs: list[RunStatus], failure: RunStatus) -> None:
    assert task_status([*of_runs, failure]).is_failure


@given(of_runs=st.lists(st.sampled_from([status for status in RunStatus if status not in FAILURES]), max_size=8))
def test_without_failures_the_most_advanced_run_that_is_not_over_decides(of_runs: list[RunStatus]) -> None:
    order = [S.ACTIVE, S.INITIALIZING, S.PENDING, S.COMPLETED]

    assert task_status(of_runs) is min(of_runs, key=order.index, default=S.COMPLETED)


@given(before=st.sampled_from(RunStatus), after=st.sampled_from(RunStatus))
def test_a_run_that_is_over_stays_as_it_is(before: RunStatus, after: RunStatus) -> None:
    if before.is_final:
        assert may_follow(before, after) is (before is after)
    else:
        assert may_follow(before, after) or after is S.PENDING


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (S.PENDING, S.PENDING, True),
        (S.PENDING, S.INITIALIZING, True),
        (S.ACTIVE, S.INITIALIZING, True),
        (S.ACTIVE, S.PENDING, False),
        (S.INITIALIZING, S.COMPLETED, True),
        (S.KILLED, S.COMPLETED, False),
        (S.COMPLETED, S.COMPLETED, True),
    ],
)
def test_a_run_moves_forward_or_starts_anew(before: RunStatus, after: RunStatus, *, allowed: bool) -> None:
    assert may_follow(before, after) is allowed
