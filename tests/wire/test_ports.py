"""Ports through the front door of every shape: registered, found by the containers of relatives, and given back."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import pytest

from tests.shapes import Shape

IMAGE = "registry.example/average:1"
NOTHING = base64.b64encode(json.dumps({"method": "none"}).encode()).decode()
PATIENCE_SECONDS = 30

Seen = TypeVar("Seen")


@dataclass
class Suite:
    """Two stations with a central algorithm at the first and its subtask at the second.

    Attributes:
        http: for everybody.
        root: the header of root.
        stations: the headers of the nodes.
        containers: the headers of the central algorithm and of its subtask.
        tasks: the central one and its subtask.
        runs: of each.
    """

    http: httpx2.Client
    root: dict[str, str] = field(default_factory=dict)
    stations: list[dict[str, str]] = field(default_factory=list)
    containers: list[dict[str, str]] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def ask(self, caller: dict[str, str], method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Make a request that succeeds."""
        answer = self.http.request(method, path, json=body, params=params, headers=caller)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()

    def log_in(self, kind: str, name: str, **body: Any) -> dict[str, str]:
        """Get a token and make a header of it."""
        return {"Authorization": f"Bearer {self.ask({}, 'POST', f'/token/{kind}', body)[name]}"}

    def build(self, root_password: str) -> None:
        """Make the two stations and the two tasks."""
        self.root = self.log_in("user", "access_token", username="root", password=root_password)
        mark = secrets.token_hex(4)
        organizations = [
            self.ask(self.root, "POST", "/organization", {"name": f"{name} {mark}"})["id"] for name in ("here", "there")
        ]
        collaboration = self.ask(
            self.root,
            "POST",
            "/collaboration",
            {"name": mark, "organization_ids": [1, *organizations], "encrypted": False},
        )["id"]
        for number, organization in enumerate(organizations, start=2):
            node = self.ask(
                self.root, "POST", "/node", {"organization_id": organization, "collaboration_id": collaboration}
            )
            station = self.log_in("node", "access_token", api_key=node["api_key"])
            self.ask(station, "PATCH", f"/node/{node['id']}", {"ip": f"10.76.0.{number}"})
            self.stations.append(station)
        asked: dict[str, Any] = {"name": "ports", "image": IMAGE, "collaboration_id": collaboration}
        author = self.root
        for organization, station in zip(organizations, self.stations, strict=True):
            task = self.ask(
                author, "POST", "/task", {**asked, "organizations": [{"id": organization, "input": NOTHING}]}
            )["id"]
            run = self.ask(self.root, "GET", "/run", task_id=task)["data"][0]["id"]
            self.ask(station, "PATCH", f"/run/{run}", {"status": "active"})
            token = self.ask(station, "POST", "/token/container", {"task_id": task, "image": IMAGE})
            author = {"Authorization": f"Bearer {token['container_token']}"}
            self.containers.append(author)
            self.tasks.append(task)
            self.runs.append(run)

    def addresses(self, container: int, **query: str) -> list[dict[str, Any]]:
        """What a container finds."""
        found: list[dict[str, Any]] = self.ask(self.containers[container], "GET", "/vpn/algorithm/addresses", **query)[
            "addresses"
        ]
        return found


@pytest.fixture
def suite(shape: Shape) -> Iterator[Suite]:
    with httpx2.Client(base_url=f"{shape.url}/api", timeout=30) as http:
        made = Suite(http)
        made.build(shape.root_password)
        yield made


def eventually(look: Callable[[], Seen], expected: Seen) -> None:
    """Look until something is as it should be: events take their time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := look()) != expected:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


def test_a_port_is_shown_at_once_found_by_relatives_and_given_back_with_its_run(suite: Suite) -> None:
    central, child = suite.runs
    body = {"run_id": child, "port": 50001, "label": "web"}
    port = suite.ask(suite.stations[1], "POST", "/port", body)

    assert suite.ask(suite.root, "GET", f"/run/{child}")["ports"] == [port]
    assert [run["id"] for run in suite.ask(suite.root, "GET", "/run", port=50001, task_id=suite.tasks[1])["data"]] == [
        child
    ]
    (found,) = suite.addresses(0, only_children="1", label="web")
    assert (found["ip"], found["port"], found["task_id"], found["parent_id"]) == (
        "10.76.0.3",
        50001,
        suite.tasks[1],
        suite.tasks[0],
    )
    assert suite.addresses(0) == suite.addresses(1, only_parent="1") == []

    suite.ask(suite.root, "POST", "/kill/task", {"id": suite.tasks[0]})

    eventually(lambda: suite.addresses(0, only_children="1"), [])
    assert suite.ask(suite.root, "GET", f"/run/{child}")["ports"] == [port]
    for station, run in zip(suite.stations, (central, child), strict=True):
        suite.ask(station, "DELETE", "/port", run_id=run)
    assert suite.ask(suite.root, "GET", f"/run/{child}")["ports"] == []


def test_a_new_address_of_a_node_is_found(suite: Suite) -> None:
    suite.ask(suite.stations[1], "POST", "/port", {"run_id": suite.runs[1], "port": 50002})
    node = suite.ask(suite.root, "GET", f"/run/{suite.runs[1]}")["node"]["id"]

    suite.ask(suite.stations[1], "PATCH", f"/node/{node}", {"clear_ip": True})
    eventually(lambda: [entry["ip"] for entry in suite.addresses(0, only_children="1")], [None])
    suite.ask(suite.stations[1], "PATCH", f"/node/{node}", {"ip": "10.76.9.9"})
    eventually(lambda: [entry["ip"] for entry in suite.addresses(0, only_children="1")], ["10.76.9.9"])
