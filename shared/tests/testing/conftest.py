"""What the test kit's own tests need: a way to see what processes a run has left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def _command_lines_and_environments() -> dict[int, str]:
    if not Path("/proc/self/cmdline").exists():
        list_all = ["/bin/ps", "-A", "-E", "-ww", "-o", "pid=,command="]
        listing = subprocess.run(list_all, check=True, capture_output=True).stdout  # noqa: S603 -- fixed words
        lines = [line.split(None, 1) for line in listing.decode(errors="replace").splitlines()]
        return {int(line[0]): line[1] for line in lines if len(line) == 2}
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        found[int(folder.name)] = text.decode(errors="replace")
    return found


def processes_of(scratch_folder: str) -> list[str]:
    """List the processes whose command line or environment names a run's scratch folder."""
    return [
        text.replace("\0", " ")[:120]
        for pid, text in _command_lines_and_environments().items()
        if scratch_folder in text and pid != os.getpid()
    ]


@pytest.fixture
def assert_nothing_left() -> Callable[[str], None]:
    """Check that no process of a run, known by its scratch folder's name, is there any more."""

    def check(scratch_folder: str) -> None:
        deadline = time.monotonic() + 20
        while (left := processes_of(scratch_folder)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []

    return check


def _as_in_a_terminal() -> None:
    # a job that a script put into the background ignores SIGINT, and so would its children
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start_pytest(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Run a pytest of its own over one test module, as a developer would in another terminal."""

    def start(module: str, *, conftest: str = "", env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        (tmp_path / "test_inner.py").write_text(module)
        (tmp_path / "conftest.py").write_text(conftest)
        (tmp_path / "pytest.ini").write_text(
            "[pytest]\nmarkers =\n    postgres\n    rabbitmq\n    haproxy\n    clients\n"
        )
        inherited = {key: value for key, value in os.environ.items() if key != "SEXTANT_TEST_NO_SKIP"}
        return subprocess.Popen(  # noqa: S603 -- our own pytest
            [sys.executable, "-m", "pytest", "-rs", "-s", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, **(env or {})},
            preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 -- one system call, which needs no lock
        )

    return start
