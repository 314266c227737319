"""A scripted data station around the node's own client class, without containers.

It does what the official node does, request by request and in the same order, and runs small sums
where the node would start containers. Run it in the clients' venv:
``python -P -m tests.clients.station http://host:port`` with the repository on the path.
Owns one logged-in node and its socket; judges nothing.
"""

import datetime as dt
import json
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from vantage6.common.client.node_client import (  # type: ignore[import-not-found]
    NodeClient,  # only in the clients' venv
)

from . import algorithm
from .hearing import Journal, Socket
from .lines import Complaints, serve, take_stdout

CONTAINER_SECONDS = 0.3  # less than any real container lives


class Station:
    """One node: its client, its socket, its numbers, and the runs it has taken up."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._client = NodeClient(f"{parts.scheme}://{parts.hostname}", parts.port, "/api")
        self._complaints = Complaints()
        self._complaints.listen()
        self._journal = Journal()
        self._socket = Socket(
            url,
            self._journal,
            {
                "sync": self._on_sync,
                "new_task": self._on_new_task,
                "invalid_token": self._on_invalid_token,
                "expired_token": self._on_expired_token,
            },
        )
        self._api_key = ""
        self._encrypted = False
        self._numbers: list[float] = []
        self._taken: set[int] = set()
        self._taking = threading.Lock()

    def login(self, api_key: str, numbers: list[float], private_key: str | None = None) -> dict[str, Any]:
        """Log in as the node does at its start, and tell who the client believes to be."""
        self._api_key = api_key
        self._numbers = numbers
        self._client.authenticate(api_key)
        self._encrypted = self._client.is_encrypted_collaboration()
        if self._encrypted != (private_key is not None):
            raise ValueError("the collaboration and the station disagree about encryption")
        self._client.setup_encryption(private_key)
        return dict(self._client.whoami._asdict())

    def refresh(self) -> None:
        """Exchange the refresh token for new tokens; the socket keeps its first one."""
        self._client.refresh_token()

    def connect(self, transports: list[str] | None = None, *, forged: bool = False) -> str:
        """Connect to the event channel; tell the transport it settled on."""
        token = _with_forged_signature(self._client.token) if forged else self._client.token
        self._socket.connect(token, transports)
        return self._socket.transport()

    def cookies(self) -> dict[str, str]:
        """Return the cookies of the event channel."""
        return self._socket.cookies()

    def drop(self) -> None:
        """Lose the connection; the socket library comes back by itself with its first token."""
        self._socket.drop()

    def disconnect(self) -> None:
        """Leave the event channel for good."""
        self._socket.leave()

    def taken(self) -> list[int]:
        """Return the ids of the runs taken up so far."""
        return sorted(self._taken)

    def complaints(self) -> list[str]:
        """Return the errors logged by the client and raised while running so far."""
        return self._complaints.texts

    def heard(self, event: str | None = None, matching: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the events heard so far."""
        return self._journal.heard(event, matching)

    def await_event(self, event: str, conditions: dict[str, Any]) -> list[dict[str, Any]]:
        """Wait for events, see `Journal.wait`."""
        return self._journal.wait(event, **conditions)

    def _on_sync(self) -> None:
        self._take(self._client.run.list(state="open", include_task=True))
        self._socket.emit(
            "node_info_update",
            {
                "encryption": self._encrypted,
                "allowed_algorithms": "all",
                "database_labels": ["default"],
                "database_types": {"db_type_default": "csv"},
                "database_columns": {"columns_default": ["number"]},
            },
        )
        self._socket.emit("ping")

    def _on_new_task(self, task: dict[str, Any]) -> None:
        self._take(self._client.run.list(state="open", include_task=True, task_id=task["id"]))

    def _on_invalid_token(self) -> None:
        self._socket.disconnect()
        self._client.authenticate(self._api_key)
        self._socket.connect(self._client.token)

    def _on_expired_token(self) -> None:
        self._socket.disconnect()
        self._client.refresh_token()
        self._socket.connect(self._client.token)

    def _take(self, runs: list[dict[str, Any]]) -> None:
        """Start each run once, however often it is listed: the node looks for its container."""
        for run in runs:
            with self._taking:
                if run["id"] in self._taken:
                    continue
                self._taken.add(run["id"])
            threading.Thread(target=self._execute, args=(run,), daemon=True).start()

    def _execute(self, run: dict[str, Any]) -> None:
        """Carry out one run in the order in which the official node speaks to the server."""
        run_id, task = run["id"], run["task"]
        self._client.set_task_start_time(run_id)
        token = self._client.request_token_for_container(task["id"], task["image"])
        self._client.run.patch(run_id, {"status": "active"})
        self._announce(run, "active")
        self._release_ports(run_id)
        outcome = algorithm.run(
            json.loads(run["input"]),
            algorithm.Surroundings(
                api=self._client.base_path,
                token=token["container_token"],
                collaboration_id=self._client.collaboration_id,
                organization_id=self._client.whoami.organization_id,
                image=task["image"],
                numbers=self._numbers,
            ),
        )
        time.sleep(CONTAINER_SECONDS)
        for line in outcome.log:
            self._socket.emit(
                "algorithm_log",
                {
                    "collaboration_id": self._client.collaboration_id,
                    "run_id": run_id,
                    "task_id": task["id"],
                    "log": line,
                },
            )
        self._release_ports(run_id)
        self._announce(run, outcome.status)
        self._client.request(f"run/{run_id}")
        initiator = self._client.request(f"task/{task['id']}")["init_org"]["id"]
        self._client.run.patch(
            run_id,
            {
                "result": outcome.result,
                "log": "\n".join(outcome.log),
                "status": outcome.status,
                "finished_at": dt.datetime.now(dt.UTC).isoformat(),
            },
            init_org_id=initiator,
        )

    def _announce(self, run: dict[str, Any], status: str) -> None:
        parent = run["task"]["parent"]
        self._socket.emit(
            "algorithm_status_change",
            {
                "node_id": self._client.whoami.id_,
                "status": status,
                "run_id": run["id"],
                "task_id": run["task"]["id"],
                "collaboration_id": self._client.collaboration_id,
                "organization_id": self._client.whoami.organization_id,
                "parent_id": parent["id"] if parent else None,
            },
        )

    def _release_ports(self, run_id: int) -> None:
        self._client.request("port", method="delete", params={"run_id": run_id})


def _with_forged_signature(token: str) -> str:
    """Change one character in the middle of the signature, where every bit counts."""
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"


def main() -> None:
    """Serve commands until standard input ends."""
    answers = take_stdout()
    station = Station(sys.argv[1])
    serve(
        {
            "login": station.login,
            "refresh": station.refresh,
            "connect": station.connect,
            "cookies": station.cookies,
            "drop": station.drop,
            "disconnect": station.disconnect,
            "taken": station.taken,
            "complaints": station.complaints,
            "heard": station.heard,
            "await_event": station.await_event,
        },
        answers,
    )
    station.disconnect()


if __name__ == "__main__":
    main()
