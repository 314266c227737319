"""Plays the steps of a suite with the official clients, and tells what came out.

Run it in the clients' venv: ``python -P -m tests.official_client.program URL`` with the repository on the path.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

import vantage6.client  # type: ignore[import-not-found]  # only in the clients' venv
from vantage6.algorithm.client import AlgorithmClient  # type: ignore[import-not-found]  # likewise
from vantage6.client import UserClient
from vantage6.common.client.node_client import NodeClient  # type: ignore[import-not-found]  # likewise

from tests.clients.lines import serve, take_stdout

from .stage import PART, Stage
from .steps import STEPS, Suite
from .surface import surface

_NOWHERE = ("http://127.0.0.1", 1, "/api")
# nobody verifies it: a container's identity, written down
_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOnt9fQ.AAAA"


def play(url: str, suite: Suite, root_password: str, folder: str, mails: str) -> dict[str, Any]:
    """Play all steps of a suite on a server.

    Returns:
        What went wrong in each step, None if nothing did, and the arguments given by client and method in those
        in which nothing did.
    """
    stage = Stage(url, root_password, Path(folder), Path(mails))
    problems = {name: _play_one(stage, name, suite) for name in STEPS[suite]}
    calls = [
        {"client": client, "method": method, "given": sorted(given)}
        for (client, method), given in sorted(stage.record.calls.items())
    ]
    return {"problems": problems, "calls": calls}


def _play_one(stage: Stage, name: str, suite: Suite) -> str | None:
    calls, stage.record.calls = stage.record.calls, {}
    stage.complaints.texts.clear()
    try:
        STEPS[suite][name](stage)
    except Exception as problem:  # noqa: BLE001 - whatever a client raises is what the test wants to know
        stage.record.calls = calls
        shown = traceback.TracebackException.from_exception(problem, capture_locals=True)
        return "".join([*shown.format(), *(f"complaint: {text}\n" for text in stage.complaints.texts)])
    for (client, method), given in stage.record.calls.items():
        calls.setdefault((client, method), set()).update(given)
    stage.record.calls = calls
    return "\n".join(f"complaint: {text}" for text in stage.complaints.texts) or None


def surfaces() -> dict[str, dict[str, list[str]]]:
    """Name what each official client offers."""
    clients = (UserClient(*_NOWHERE), NodeClient(*_NOWHERE), AlgorithmClient(_TOKEN, *_NOWHERE))
    return {type(client).__name__: surface(client, PART) for client in clients}


def version() -> str:
    """Tell of which release the clients are."""
    return str(vantage6.client.__version__)


def main() -> None:
    """Serve commands until standard input ends."""
    answers = take_stdout()
    url = sys.argv[1]
    serve(
        {"play": lambda **arguments: play(url, **arguments), "surfaces": surfaces, "version": version},
        answers,
    )


if __name__ == "__main__":
    main()
