"""What runs inside a scripted station's "container": small sums over the station's numbers.

Owns the algorithms and the container's way to the server: a container token and plain HTTP, as the
official algorithm tools do behind the node's proxy. Knows nothing of runs, nodes or sockets.
"""

import base64
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import requests  # type: ignore[import-untyped,unused-ignore]  # the clients' venv has its types

FINISHED_WELL = "completed"
UNFINISHED = ("pending", "initializing", "active")
FIRST_PAUSE = 1.0
PAUSE_GROWTH = 1.5


class RefusedError(Exception):
    """The server did not give a container what it asked for."""


@dataclass(frozen=True)
class Outcome:
    """How an algorithm ended, and what it left behind."""

    status: str
    result: bytes
    log: tuple[str, ...]


@dataclass(frozen=True)
class Surroundings:
    """What the node tells a container about where it is."""

    api: str
    token: str
    collaboration_id: int
    organization_id: int
    image: str
    numbers: Sequence[float]


def run(arguments: dict[str, Any], around: Surroundings) -> Outcome:
    """Run the method that the input names. A problem inside ends as a crash, as in a container."""
    method = arguments["method"]
    try:
        result = METHODS[method](around, **arguments.get("kwargs", {}))
    except (KeyError, RefusedError, requests.RequestException) as problem:
        return Outcome("crashed", b"", (f"started {method}", f"crashed: {problem!r}"))
    return Outcome(FINISHED_WELL, json.dumps(result).encode(), (f"started {method}", f"finished {method}"))


def _partial_sum(around: Surroundings) -> dict[str, Any]:
    return {
        "organization": around.organization_id,
        "sum": sum(around.numbers),
        "count": len(around.numbers),
    }


def _central_sum(around: Surroundings, partners: list[int]) -> dict[str, Any]:
    """Ask the partners for their sums and add them up."""
    members = _ask(around, "get", "organization", params={"collaboration_id": around.collaboration_id})
    encoded = base64.b64encode(json.dumps({"method": "partial_sum"}).encode()).decode()
    subtask = _ask(
        around,
        "post",
        "task",
        json={
            "name": "partial sums",
            "image": around.image,
            "collaboration_id": around.collaboration_id,
            "description": "made by a central sum",
            "organizations": [{"id": id_, "input": encoded} for id_ in partners],
            "databases": [{"label": "default"}],
        },
    )
    status = _wait(around, subtask["id"])
    if status != FINISHED_WELL:
        raise RefusedError(f"the subtask ended as {status}")
    answer = _ask(around, "get", "result", params={"task_id": subtask["id"], "page": 1})
    partials = [json.loads(base64.b64decode(item["result"])) for item in answer["data"]]
    return {
        "subtask": subtask["id"],
        "members": sorted(member["id"] for member in members["data"]),
        "sum": sum(partial["sum"] for partial in partials),
        "from": sorted(partial["organization"] for partial in partials),
    }


def _wait(around: Surroundings, task_id: int) -> str:
    """Poll with the growing pause of the official algorithm client."""
    for round_ in itertools.count():
        status = str(_ask(around, "get", f"task/{task_id}/status")["status"])
        if status not in UNFINISHED:
            return status
        time.sleep(FIRST_PAUSE * PAUSE_GROWTH**round_)
    raise AssertionError("unreachable: the loop has no end of its own")


def _ask(around: Surroundings, verb: str, path: str, **how: Any) -> Any:
    answer = requests.request(
        verb,
        f"{around.api}/{path}",
        headers={"Authorization": f"Bearer {around.token}"},
        timeout=60,
        **how,
    )
    if not answer.ok:
        raise RefusedError(f"{verb.upper()} {path}: {answer.status_code} {answer.text}")
    return answer.json()


METHODS: dict[str, Callable[..., dict[str, Any]]] = {
    "partial_sum": _partial_sum,
    "central_sum": _central_sum,
}
