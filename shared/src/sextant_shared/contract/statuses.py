"""The states of runs and tasks as the wire spells them, and the rule that makes a task's from its runs'."""

from collections.abc import Collection
from enum import StrEnum


class RunStatus(StrEnum):
    """What a run is doing, or how it ended."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    START_FAILED = "start failed"
    NO_DOCKER_IMAGE = "non-existing Docker image"
    CRASHED = "crashed"
    KILLED = "killed by user"
    NOT_ALLOWED = "not allowed"
    UNKNOWN_ERROR = "unknown error"

    @property
    def is_failure(self) -> bool:
        """Whether the run ended without a result."""
        return self in _FAILURES

    @property
    def is_final(self) -> bool:
        """Whether nothing may follow."""
        return self is RunStatus.COMPLETED or self in _FAILURES


_FAILURES = frozenset(
    {
        RunStatus.FAILED,
        RunStatus.START_FAILED,
        RunStatus.NO_DOCKER_IMAGE,
        RunStatus.CRASHED,
        RunStatus.KILLED,
        RunStatus.NOT_ALLOWED,
        RunStatus.UNKNOWN_ERROR,
    }
)

FINAL_STATUSES = frozenset(status for status in RunStatus if status.is_final)
"""The statuses of runs that are over: such a run is never given to a node again."""


def may_follow(before: RunStatus, after: RunStatus) -> bool:
    """Tell whether a run may go from `before` to `after`.

    A run moves forward only. Saying the same again is allowed, because a node repeats itself when an answer was
    lost; a node that starts a run anew reports `initializing` or `active` once more.
    """
    if before.is_final:
        return before is after
    return after is not RunStatus.PENDING or before is RunStatus.PENDING


def task_status(runs: Collection[RunStatus]) -> RunStatus:
    """Compute the status of a task from those of its runs (none at all counts as completed)."""
    failures = {status for status in runs if status.is_failure}
    if failures:
        return failures.pop() if len(failures) == 1 else RunStatus.FAILED
    for status in (RunStatus.ACTIVE, RunStatus.INITIALIZING, RunStatus.PENDING):
        if status in runs:
            return status
    return RunStatus.COMPLETED


class Presence(StrEnum):
    """Whether a node or user has a live connection. One that never had any shows null for users."""

    ONLINE = "online"
    OFFLINE = "offline"
