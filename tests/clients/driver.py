"""Starts the client programs and talks to them: the only module of this package for tests.

Owns their processes: whatever happens in a test, none outlives its ``with`` block. Knows nothing of
what the official libraries do with a command.
"""

import json
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

REPOSITORY = Path(__file__).resolve().parents[2]
STDERR_LINES = 80
STOP_SECONDS = 5.0
T = TypeVar("T")


class ProgramError(AssertionError):
    """A client program raised, died or kept silent; the text holds what it said on stderr."""


class Pending:
    """A command under way in a program."""

    def __init__(self, program: "Program", command: str) -> None:
        self._program = program
        self._command = command

    def result(self, within: float = 30.0) -> Any:
        """Wait for the answer.

        Raises:
            ProgramError: the command raised, the program died, or no answer came in time.
        """
        return self._program.answer(self._command, within)


class Program:
    """A program in the clients' venv that answers commands one after the other."""

    module = ""

    def __init__(self, interpreter: Path, url: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own program in the tests' own venv
            [str(interpreter), "-P", "-m", self.module, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"},
            text=True,
            bufsize=1,
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=STDERR_LINES)
        self._readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def ask(self, command: str, *, within: float = 30.0, **arguments: Any) -> Any:
        """Give a command and wait for its answer, see `Pending.result`."""
        return self.begin(command, **arguments).result(within)

    def begin(self, command: str, **arguments: Any) -> Pending:
        """Give a command without waiting. Its answer must be fetched before the next command."""
        if self._process.stdin is None:
            raise ProgramError("the program has no input")
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as problem:
            raise self._failure(f"is gone, it cannot {command}") from problem
        return Pending(self, command)

    def answer(self, command: str, within: float) -> Any:
        """Read the next answer; for `Pending`."""
        try:
            line = self._answers.get(timeout=within)
        except queue.Empty:
            raise self._failure(f"has not answered {command} within {within} s") from None
        if line is None:
            for reader in self._readers:  # until its last words are read
                reader.join(STOP_SECONDS)
            raise self._failure(f"died over {command}")
        try:
            answer = json.loads(line)
        except json.JSONDecodeError as problem:
            raise self._failure(f"answered {command} with {line!r}") from problem
        if "error" in answer:
            error = answer["error"]
            raise self._failure(f"raised {error['type']} over {command}: {error['trace']}")
        return answer["answer"]

    def stop(self) -> None:
        """End the program: kindly first, then by force."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def heard(self, event: str | None = None, **matching: Any) -> list[Any]:
        """Return the first arguments of the events heard so far, by name and content."""
        entries = self.ask("heard", event=event, matching=matching)
        return [_payload(entry) for entry in entries]

    def await_event(self, event: str, *, count: int = 1, seconds: float = 20.0, **matching: Any) -> list[Any]:
        """Wait until such an event was heard `count` times; return all that were."""
        entries = self.ask(
            "await_event",
            within=seconds + 10.0,
            event=event,
            conditions={"count": count, "within": seconds, "matching": matching},
        )
        return [_payload(entry) for entry in entries]

    def complaints(self) -> list[str]:
        """Return the errors that the official library logged: each refused request is there."""
        return list(self.ask("complaints"))

    def _failure(self, what: str) -> ProgramError:
        said = "\n".join(self._said)
        return ProgramError(f"{self.module} {what}\n--- its stderr ends with:\n{said}")

    def _read_answers(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(None)

    def _read_stderr(self) -> None:
        if self._process.stderr is not None:
            for line in self._process.stderr:
                self._said.append(line.rstrip())


class Researcher(Program):
    """The official user client; see ``researcher``."""

    module = "tests.clients.researcher"

    def login(self, username: str, password: str) -> dict[str, Any]:
        """Log in; tells who the client believes to be."""
        return dict(self.ask("login", username=username, password=password))

    def call(self, method: str, *, within: float = 60.0, **kwargs: Any) -> Any:
        """Call a method of the official client by its dotted name."""
        return self.ask("call", within=within, method=method, kwargs=kwargs)

    def begin_call(self, method: str, **kwargs: Any) -> Pending:
        """Like `call`, without waiting for the answer."""
        return self.begin("call", method=method, kwargs=kwargs)

    def listen(self, transports: list[str] | None = None) -> str:
        """Connect to the event channel; tells the transport."""
        return str(self.ask("listen", transports=transports))

    def await_room(self, collaboration: int) -> None:
        """Wait until the user's socket hears what happens in a collaboration: being let in comes before that."""
        eventually(
            lambda: self.heard("message"),
            lambda texts: any(text.endswith(f" joined room collaboration_{collaboration}") for text in texts),
        )

    def token(self) -> str:
        """Return the user's access token."""
        return str(self.ask("token"))


class Station(Program):
    """The scripted node around the official node client; see ``station``."""

    module = "tests.clients.station"

    def login(self, api_key: str, numbers: list[float], private_key: Path | None = None) -> dict[str, Any]:
        """Log in with the node's API key; tells who the client believes to be."""
        return dict(
            self.ask(
                "login",
                api_key=api_key,
                numbers=numbers,
                private_key=str(private_key) if private_key else None,
            )
        )

    def connect(self, transports: list[str] | None = None, *, forged: bool = False) -> str:
        """Connect to the event channel; tells the transport."""
        return str(self.ask("connect", transports=transports, forged=forged))

    def taken(self) -> list[int]:
        """Return the runs that the station has taken up."""
        return list(self.ask("taken"))


def eventually(probe: Callable[[], T], accept: Callable[[T], bool], within: float = 20.0) -> T:
    """Ask again until the answer is acceptable, and return it; for state without an event.

    Raises:
        AssertionError: it never was; the text holds the last answer.
    """
    deadline = time.monotonic() + within
    while not accept(value := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {within} s: {value!r}")
        time.sleep(0.1)
    return value


def _payload(entry: dict[str, Any]) -> Any:
    arguments = entry["arguments"]
    return arguments[0] if arguments else None
