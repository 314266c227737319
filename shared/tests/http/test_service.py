"""How a service lives and ends as a process."""

import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sextant_shared.testing.processes import Process, ProcessKeeper, accepts_connections, free_port

# One service whose parts say what becomes of them; a request to /slow waits for a file to appear.
_PROGRAM = """
import asyncio, sys
from pathlib import Path
from fastapi import FastAPI
from sextant_shared.http.service import Service, serve
from sextant_shared.settings import HttpSettings

go, plan = Path(sys.argv[1]), set(sys.argv[2:])
app = FastAPI()

def say(text):
    print(text, flush=True)

async def until_told():
    while not go.exists():
        await asyncio.sleep(0.02)

@app.get("/fast")
async def fast():
    return {}

@app.get("/slow")
async def slow():
    say("request began")
    await until_told()
    say("request ended")
    return {}

async def task():
    try:
        if "failing" in plan:
            await until_told()
            raise RuntimeError("no luck")
        await asyncio.Event().wait()
    finally:
        say("task ended")

async def drain():
    say("drained")
    if "draining for ever" in plan:
        await asyncio.Event().wait()

async def close():
    say("closed")

service = Service("test", app, app, tasks=[task], drain=[drain], close=[close])
asyncio.run(serve(service, HttpSettings()))
"""


class Running:
    """The program in a process of its own."""

    def __init__(self, process: Process, port: int, go: Path) -> None:
        self.process = process
        self.port = port
        self._go = go

    def said(self) -> list[str]:
        return [line for line in self.process.output().splitlines() if line in _SENTENCES]

    def until_said(self, sentence: str) -> None:
        self.process.wait_until(lambda: sentence in self.said())

    def go(self) -> None:
        self._go.touch()

    def begin(self, path: str) -> Callable[[], int | str]:
        """Begin a request; the result waits for its end."""
        outcome: list[int | str] = []

        def get() -> None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                    outcome.append(answer.status)
            except (urllib.error.URLError, OSError) as error:
                outcome.append(type(error).__name__)

        thread = threading.Thread(target=get, daemon=True)
        thread.start()

        def result() -> int | str:
            thread.join(60)
            return outcome[0]

        return result


_SENTENCES = {"request began", "request ended", "task ended", "drained", "closed"}


@pytest.fixture
def start(processes: ProcessKeeper, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with ExitStack() as stack:

        def start_one(*plan: str, drain_seconds: int = 30, port: int | None = None) -> Running:
            port = port or free_port()
            go = tmp_path / "go"
            env = {"SEXTANT_PORT": str(port), "SEXTANT_DRAIN_SECONDS": str(drain_seconds)}
            command: list[str | Path] = [sys.executable, "-c", _PROGRAM, go, *plan]
            process = stack.enter_context(processes.spawn(command, name="service", env=env))
            return Running(process, port, go)

        yield start_one


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_lets_a_running_request_finish_and_then_ends_everything_in_order(
    start: Callable[..., Running], number: signal.Signals
) -> None:
    running = start()
    running.process.wait_for_port(running.port)
    answer = running.begin("/slow")
    running.until_said("request began")

    running.process.send_signal(number)
    running.until_said("drained")
    running.process.wait_until(lambda: not accepts_connections(running.port))
    running.go()

    assert answer() == 200
    assert running.process.wait(30) == 0
    assert running.said() == ["request began", "drained", "request ended", "task ended", "closed"]


def test_a_request_that_does_not_finish_in_time_is_cut_off(start: Callable[..., Running]) -> None:
    running = start(drain_seconds=1)
    running.process.wait_for_port(running.port)
    answer = running.begin("/slow")
    running.until_said("request began")

    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(30) == 0
    assert answer() != 200
    assert running.said() == ["request began", "drained", "task ended", "closed"]


def test_a_second_signal_cuts_the_draining_short(start: Callable[..., Running]) -> None:
    running = start("draining for ever", drain_seconds=600)
    running.process.wait_for_port(running.port)
    running.process.send_signal(signal.SIGTERM)
    running.until_said("drained")

    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(30) == 0
    assert running.said() == ["drained", "task ended", "closed"]


def test_a_task_that_fails_ends_the_process_with_an_error(start: Callable[..., Running]) -> None:
    running = start("failing")
    running.process.wait_for_port(running.port)
    assert running.begin("/fast")() == 200

    running.go()

    assert running.process.wait(30) == 1
    assert running.said() == ["task ended", "closed"]
    assert "RuntimeError: no luck" in running.process.output()


def test_a_port_that_is_taken_ends_the_process_with_an_error(start: Callable[..., Running]) -> None:
    first = start()
    first.process.wait_for_port(first.port)

    second = start(port=first.port)

    assert second.process.wait(30) != 0
    assert "address already in use" in second.process.output().lower()
    assert first.begin("/fast")() == 200
