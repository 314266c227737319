"""One JSON line in, one JSON line out: how a client program talks to the test that started it.

Owns the program's standard output and the record of what the official libraries complained of.
Knows neither the server nor what the commands do.
"""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Command = Callable[..., Any]


class Complaints(logging.Handler):
    """Keeps what libraries log as errors, every refused request among it, and threads' failures."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one logged error."""
        self.texts.append(record.getMessage())

    def _keep_failure(self, failure: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(failure)
        self.texts.append("".join(traceback.format_exception(failure.exc_value)))

    def listen(self) -> None:
        """Hear all loggers and threads from now on."""
        logging.getLogger().addHandler(self)
        threading.excepthook = self._keep_failure


def take_stdout() -> TextIO:
    """Keep the pipe to the test for answers alone; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    return answers


def serve(commands: Mapping[str, Command], answers: TextIO) -> None:
    """Answer commands until the test closes our input.

    A request is ``{"command": name, ...keyword arguments}``; the answer is ``{"answer": value}``
    or ``{"error": {"type", "text", "trace"}}``.
    """
    for line in sys.stdin:
        request = json.loads(line)
        try:
            text = json.dumps({"answer": commands[request.pop("command")](**request)})
        except Exception as problem:  # noqa: BLE001  whatever a library raises is for the test
            text = json.dumps(
                {
                    "error": {
                        "type": type(problem).__name__,
                        "text": str(problem),
                        "trace": traceback.format_exc(),
                    }
                }
            )
        answers.write(text + "\n")
        answers.flush()
