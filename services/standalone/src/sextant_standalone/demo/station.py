"""A simulated data station: a node with a small CSV file, without containers.

It does what a real node does, in the same order: logs in with its API key, connects to the socket, fetches its open
runs when told that there is something, and stores results by REST.
"""

import asyncio
import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import socketio

from sextant_shared.contract import socket_events
from sextant_standalone.demo.rest import Rest, packed, unpacked

IMAGE = "demo/average"
Report = Callable[[str], None]
"""Told in words what the station does."""


class Station:
    """One node.

    Args:
        http: with the server's address.
        url: the same address, for the socket.
        node_id: of the node.
        api_key: shown once when the node was made.
        data: a CSV file with a header.
        report: hears what happens.
    """

    def __init__(
        self, http: httpx2.AsyncClient, *, url: str, node_id: int, api_key: str, data: Path, report: Report
    ) -> None:
        self._http = http
        self._url = url
        self._node_id = node_id
        self._api_key = api_key
        self._data = data
        self._report = report
        self._socket = socketio.AsyncClient()
        self._begun: set[int] = set()
        # a job that fails ends the demo, instead of leaving the researcher waiting
        self._jobs = asyncio.TaskGroup()
        self._socket.on(socket_events.SYNC, self._look, namespace=socket_events.NAMESPACE)
        self._socket.on(socket_events.NEW_TASK, self._look, namespace=socket_events.NAMESPACE)

    async def __aenter__(self) -> Self:
        self._rest = await Rest.login(self._http, "node", {"api_key": self._api_key})
        await self._jobs.__aenter__()
        await self._socket.connect(
            self._url,
            headers={"Authorization": f"Bearer {self._rest.token}"},
            namespaces=[socket_events.NAMESPACE],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.disconnect()
        await self._jobs.__aexit__(kind, error, trace)

    async def _look(self, *_hint: object) -> None:
        """Fetch the open runs; the socket only hints that there may be some."""
        runs = (await self._rest.get("/run", state="open", include="task", node_id=self._node_id))["data"]
        for run in runs:
            if run["id"] not in self._begun:
                self._begun.add(run["id"])
                self._jobs.create_task(self._execute(run))

    async def _execute(self, run: dict[str, Any]) -> None:
        path = f"/run/{run['id']}"
        await self._rest.patch(path, {"started_at": datetime.now(UTC).isoformat(), "status": "active"})
        question = unpacked(run["input"])
        if question["method"] == "average":
            self._report(f"asks all stations for sums of {question['column']!r}")
            result = await self._average(run["task"], question["column"])
        else:
            result = self._partial_sum(question["column"])
            self._report(f"sends the sum of {result['count']} rows, and no row")
        await self._rest.patch(path, {"status": "completed", "result": packed(result)})

    async def _average(self, task: dict[str, Any], column: str) -> dict[str, float]:
        """The central part: make a subtask for all organizations and combine what comes back."""
        token = (await self._rest.post("/token/container", {"task_id": task["id"], "image": IMAGE}))["container_token"]
        container = self._rest.speaking_as(token)
        collaboration_id = task["collaboration"]["id"]
        organizations = (await container.get("/organization", collaboration_id=collaboration_id))["data"]
        question = packed({"method": "partial_sum", "column": column})
        subtask = await container.post(
            "/task",
            {
                "name": "partial sums",
                "image": IMAGE,
                "collaboration_id": collaboration_id,
                "organizations": [{"id": organization["id"], "input": question} for organization in organizations],
            },
        )
        partials = await container.results(subtask["id"])
        count = sum(partial["count"] for partial in partials)
        return {"average": sum(partial["sum"] for partial in partials) / count, "count": count}

    def _partial_sum(self, column: str) -> dict[str, float]:
        with self._data.open(newline="", encoding="utf-8") as file:
            values = [float(row[column]) for row in csv.DictReader(file)]
        return {"sum": sum(values), "count": len(values)}
