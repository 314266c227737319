"""Child processes of a test run: each in a group of its own, waited for, and never left behind.

Owns the life of each process it starts, its log file, and the scratch folder they all live under.
It must not know what a process is for: servers and services describe themselves by an argument list
and a readiness condition.

No process outlives the run: `close()` ends them in reverse order, and should the run itself be
killed, a small reaper process notices the end of its input and does the same.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LOOPBACK = "127.0.0.1"

# Below the range that systems take outgoing ports from: a server that is stopped for a while must
# find its port free when it comes back.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_POLL_SECONDS = 0.02
_LOG_TAIL = 4_000

_handed_out: set[int] = set()


class ProcessFailedError(RuntimeError):
    """A process ended, or did not get ready, and its log says why."""


def free_port() -> int:
    """Return a loopback port that nobody listens on and that this run has not handed out before."""
    for _ in range(1_000):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port in _handed_out:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _handed_out.add(port)
        return port
    raise ProcessFailedError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


class Process:
    """A running child process, leader of its own process group; made by `ProcessKeeper.spawn`.

    As a context manager it is stopped at the end of the block.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        *,
        name: str,
        log: Path,
        last_signal: int,
        on_end: Callable[[int], None],
    ) -> None:
        self.name = name
        self.log = log
        self.last_signal = last_signal
        self._popen = popen
        self._on_end = on_end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._popen.poll() is None

    def output(self) -> str:
        """All that the process wrote to its standard output and error."""
        return self.log.read_text(errors="replace")

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = 30) -> None:
        """Poll until the condition holds.

        Raises:
            ProcessFailedError: the process ended first, or `timeout` seconds passed.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.is_running:
                self._fail(f"ended with status {self._popen.returncode}")
            if time.monotonic() > deadline:
                self._fail(f"was not ready after {timeout:g} seconds")
            time.sleep(_POLL_SECONDS)

    def wait_for_port(self, port: int, *, timeout: float = 30) -> None:
        """Poll until somebody listens on the port."""
        self.wait_until(lambda: accepts_connections(port), timeout=timeout)

    def wait(self, timeout: float) -> int:
        """Wait for the process to end by itself and return its exit status.

        Raises:
            ProcessFailedError: it still runs after `timeout` seconds.
        """
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"still ran after {timeout:g} seconds")
        self._end_group()
        return status

    def send_signal(self, number: int) -> None:
        """Signal the process itself, not its children."""
        self._popen.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, *, timeout: float = 10) -> None:
        """Ask the process to end; after `timeout` seconds end its whole group by force."""
        if self.is_running:
            self._popen.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once, giving nothing in it a chance to say goodbye."""
        self._end_group()
        self._popen.wait()

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._on_end(self.pid)

    def _fail(self, what: str) -> NoReturn:
        raise ProcessFailedError(f"{self.name} {what}; its log ends:\n{self.output()[-_LOG_TAIL:]}")


class ProcessKeeper:
    """Starts processes and sees to it that none is left when the run is over."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._reaper: subprocess.Popen[str] | None = None
        self._processes: dict[int, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The scratch folder of this run, made at first use and removed by `close()`."""
        if self._folder is None:
            # the real path: macOS keeps its temporary folder behind a symbolic link
            self._folder = Path(tempfile.mkdtemp(prefix="sextant-test-")).resolve()
            self._folder.chmod(0o711)  # servers under another user pass through it to their own
            self._tell(f"folder {self._folder}")
        return self._folder

    def make_folder(self, name: str, user: str | None = None) -> Path:
        """Make a private folder under the scratch folder, owned by `user` when one is named."""
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        return folder

    def spawn(
        self,
        command: Sequence[str | Path],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        last_signal: int = signal.SIGKILL,
    ) -> Process:
        """Start a command in a process group of its own.

        Args:
            command: the program and its arguments; no shell is involved.
            name: what messages call it; its log file is named after it.
            env: variables on top of this process's own environment.
            cwd: where it runs, by default the scratch folder.
            user: the account it runs under; only root may name one.
            last_signal: what `close()`, or the reaper in its place, ends it with.
        """
        log = self.folder / f"{name}-{secrets.token_hex(3)}.log"
        account = None if user is None else pwd.getpwnam(user)
        with log.open("wb") as output:
            popen = subprocess.Popen(  # noqa: S603 -- tests say what to run
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd or self.folder,
                env={**os.environ, **(env or {})},
                user=account and account.pw_uid,
                group=account and account.pw_gid,
                extra_groups=account and [],
                start_new_session=True,
            )
        process = Process(popen, name=name, log=log, last_signal=last_signal, on_end=self._forget)
        self._processes[process.pid] = process
        self._tell(f"watch {process.pid} {int(last_signal)}")
        return process

    def close(self) -> None:
        """End every process that still runs, the youngest first, and remove the scratch folder."""
        for process in reversed(list(self._processes.values())):
            process.stop(process.last_signal, timeout=5)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._reaper is not None:
            self._reaper.communicate()
            self._reaper = None

    def _forget(self, pid: int) -> None:
        if self._processes.pop(pid, None) is not None:
            self._tell(f"forget {pid}")

    def _tell(self, command: str) -> None:
        if self._reaper is None:
            self._reaper = subprocess.Popen(  # noqa: S603 -- our own script
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("_reaper.py"))],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        assert self._reaper.stdin is not None  # noqa: S101 -- asked for above
        self._reaper.stdin.write(f"{command}\n")
        self._reaper.stdin.flush()
