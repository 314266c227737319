"""The suite that is broken, once for all fault tests, and a scene for each of them."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from tests.faults.suite import BreakableSuite, breakable_suite
from tests.faults.world import Scene, World, build, scene

_FORM = "SEXTANT_FAULTS"


@dataclass(frozen=True)
class Scale:
    """How much there is of everything.

    Attributes:
        tasks: of the headline run.
        sockets: of users, beside those of the nodes, on relays that are killed.
        herd: nodes that log in at once.
    """

    tasks: int
    sockets: int
    herd: int


_SHORT = Scale(tasks=20, sockets=40, herd=60)
_LONG = Scale(tasks=200, sockets=480, herd=500)


def is_long() -> bool:
    """Whether the long form was asked for."""
    return os.environ.get(_FORM) == "long"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what belongs to the long form alone out of the short one."""
    if is_long():
        return
    left_out = [item for item in items if item.get_closest_marker("long_form")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In the long form, say fault by fault what came of it."""
    if not is_long():
        return
    terminalreporter.section("faults")
    reports = [each for outcome in ("passed", "failed", "error") for each in terminalreporter.getreports(outcome)]
    for report in sorted(reports, key=lambda each: str(each.nodeid)):
        if report.when == "call" and "::test_f" in report.nodeid:
            name = report.nodeid.partition("::test_")[2]
            terminalreporter.line(f"{report.outcome}  {report.duration:6.1f} s  {name}", green=report.passed)


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Much in the long form, little in the short one."""
    return _LONG if is_long() else _SHORT


@pytest.fixture(scope="package")
def whole_suite() -> Iterator[BreakableSuite]:
    """The suite, running."""
    with breakable_suite() as made:
        yield made


@pytest.fixture(scope="package")
def world(whole_suite: BreakableSuite) -> World:
    """Who lives on it."""
    return asyncio.run(build(whole_suite.url, whole_suite.root_password))


@pytest.fixture
async def suite(whole_suite: BreakableSuite) -> AsyncIterator[BreakableSuite]:
    """Lend the suite to one test: whole before it, and made whole after it."""
    yield whole_suite
    await whole_suite.heal()


@pytest.fixture
async def stage(suite: BreakableSuite, world: World) -> AsyncIterator[Scene]:
    """Twenty nodes, a watcher and outsiders, all connected."""
    del suite  # it is whole
    async with scene(world) as made:
        yield made
