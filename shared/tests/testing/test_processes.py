from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sextant_shared.testing.processes import ProcessFailedError, ProcessKeeper, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# a process with a child, both of which ignore polite requests to end
STUBBORN_FAMILY = "trap '' TERM; sleep 1000 & echo ready; while :; do wait; done"
RUN_THAT_STARTS_A_FAMILY = f"""
import sys
from sextant_shared.testing.processes import ProcessKeeper
keeper = ProcessKeeper()
child = keeper.spawn(["sh", "-c", {STUBBORN_FAMILY!r}], name="family", env={{"RUN": str(keeper.folder)}})
child.wait_until(lambda: "ready" in child.output())
print(keeper.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def keeper() -> Iterator[ProcessKeeper]:
    with ProcessKeeper() as keeper:
        yield keeper


def test_close_ends_a_process_and_its_children_and_removes_the_scratch_folder(
    keeper: ProcessKeeper, assert_nothing_left: Callable[[str], None]
) -> None:
    folder = keeper.folder
    process = keeper.spawn(["sh", "-c", STUBBORN_FAMILY], name="family", env={"RUN": str(folder)})
    process.wait_until(lambda: "ready" in process.output())

    keeper.close()

    assert_nothing_left(folder.name)
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_even_when_the_run_is_killed(
    number: signal.Signals, assert_nothing_left: Callable[[str], None]
) -> None:
    with subprocess.Popen(  # noqa: S603 -- our own Python
        [sys.executable, "-c", RUN_THAT_STARTS_A_FAMILY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder = run.stdout.readline().strip()
        run.send_signal(number)

    assert_nothing_left(folder)


def test_a_process_that_ends_early_fails_the_wait_with_the_end_of_its_log(keeper: ProcessKeeper) -> None:
    process = keeper.spawn(["sh", "-c", "echo the disk is full; exit 3"], name="server")

    with pytest.raises(ProcessFailedError, match=r"server ended with status 3(.|\n)*the disk is full"):
        process.wait_until(lambda: False)


def test_a_process_that_does_not_get_ready_fails_the_wait(keeper: ProcessKeeper) -> None:
    process = keeper.spawn(["sleep", "1000"], name="server")

    with pytest.raises(ProcessFailedError, match="server was not ready"):
        process.wait_for_port(free_port(), timeout=0.1)


def test_leaving_the_block_of_a_process_stops_it(keeper: ProcessKeeper) -> None:
    with keeper.spawn(["sleep", "1000"], name="server") as process:
        running = process.is_running

    assert (running, process.is_running) == (True, False)


def test_no_port_is_handed_out_twice() -> None:
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == len(ports)
