"""The world and the jobs that the tests of the main job look at, once for each shape.

The running suite, fixture ``shape``, comes from above.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.driver import eventually
from tests.shapes import Shape

from .world import PARTNERS, World, begin_waiting, build, post_task, results_of


@dataclass(frozen=True)
class Job:
    """A finished task and what its researcher was given."""

    task: dict[str, Any]
    results: list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(shape: Shape, client_python: Path) -> Iterator[World]:
    """Everybody logged in and listening, every station connected and shown online."""
    with ExitStack() as programs:
        made = build(shape.url, shape.root_password, client_python, programs)
        for user, collaboration in (
            (made.researcher, made.collaboration),
            (made.viewer, made.collaboration),
            (made.outsider, made.elsewhere),
        ):
            user.listen()
            user.await_room(collaboration)
        for name in PARTNERS:
            made.stations[name].connect()
            made.stations[name].await_event("sync")
        eventually(
            lambda: made.researcher.call("node.list", collaboration=made.collaboration, is_online=True)["data"],
            lambda nodes: len(nodes) == len(PARTNERS),
        )
        yield made


@pytest.fixture(scope="module")
def main_job(world: World) -> Job:
    """A task for three organizations, waited for with the official client."""
    task = post_task(world.researcher, world.collaboration, world.partners())
    return Job(task, results_of(begin_waiting(world.researcher, task)))


@pytest.fixture(scope="module")
def central_job(world: World) -> Job:
    """A task for one organization, whose algorithm asks the two others by a subtask."""
    task = post_task(
        world.researcher,
        world.collaboration,
        [world.organizations["north"]],
        method="central_sum",
        partners=[world.organizations["south"], world.organizations["east"]],
    )
    return Job(task, results_of(begin_waiting(world.researcher, task)))
