"""How large the world is and how long each cell takes."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a run of the benchmark measures.

    Attributes:
        shapes: which shapes of the suite.
        jobs: which jobs; empty for all.
        clients: how many clients at once, one cell for each.
        seconds: length of a cell.
        warm_up_seconds: before it, not counted.
        organizations: all members of one collaboration with a node each; at least as many as a task addresses.
        nodes: numbers of nodes in the database at which node logins are measured, growing; the rest sees the last.
        users: researchers; at least as many as clients, so that no two share an account.
        tasks: in the database before anything is read.
        paced_tasks_per_second: of the paced measurement of events.
    """

    shapes: Sequence[str] = ("standalone", "distributed")
    jobs: Sequence[str] = ()
    clients: Sequence[int] = (1, 16, 64)
    seconds: float = 3.0
    warm_up_seconds: float = 0.5
    organizations: int = 10
    nodes: Sequence[int] = (1, 10, 100)
    users: int = 64
    tasks: int = 1400
    paced_tasks_per_second: float = 4.0


QUICK = Plan(clients=(1, 4), seconds=0.3, warm_up_seconds=0.1, organizations=5, nodes=(1, 5, 10), users=4, tasks=20)
"""Enough to see that everything runs; its numbers mean nothing."""

RECEIVERS = 5
"""How many organizations a task addresses."""
