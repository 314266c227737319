"""The people, organizations and stations of the main job, made as an administrator would.

Owns the world's content and the programs that play its parts; every record is made through the
official client. Knows of the server only its URL and the root password.
"""

import json
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.driver import Pending, Researcher, Station

PASSWORD = "Correct-horse-7"
IMAGE = "registry.example/sums:1"
NUMBERS = {"north": [1.0, 2.0, 3.0], "south": [4.0, 5.0], "east": [6.0]}
PARTNERS = tuple(NUMBERS)


@dataclass(frozen=True)
class Spare:
    """A collaboration with one node."""

    collaboration: int
    node: dict[str, Any]


@dataclass(frozen=True)
class World:
    """One collaboration of three organizations with their stations, and an outsider."""

    url: str
    interpreter: Path
    tag: str
    root: Researcher
    researcher: Researcher
    viewer: Researcher
    outsider: Researcher
    organizations: dict[str, int]
    collaboration: int
    elsewhere: int
    nodes: dict[str, dict[str, Any]]
    stations: dict[str, Station]
    names: dict[str, str] = field(default_factory=dict)

    def partners(self) -> list[int]:
        """Return the ids of the three organizations that work together."""
        return [self.organizations[name] for name in PARTNERS]

    def make_node(self, organization: str, collaboration: int) -> dict[str, Any]:
        """Register a node; the answer holds its API key, shown this once."""
        return dict(
            self.root.call(
                "node.create",
                organization=self.organizations[organization],
                collaboration=collaboration,
                name=f"{organization}-{collaboration}-{self.tag}",
            )
        )

    def make_spare(self) -> Spare:
        """Make another collaboration, of one organization, with a node that nobody else uses."""
        collaboration = self.root.call(
            "collaboration.create",
            name=f"spare-{secrets.token_hex(4)}",
            organizations=[self.organizations["north"]],
            encrypted=False,
        )["id"]
        return Spare(collaboration, self.make_node("north", collaboration))


def build(url: str, root_password: str, interpreter: Path, programs: ExitStack) -> World:
    """Make the world on a server on which only root exists, or others live already."""
    tag = secrets.token_hex(4)
    root, researcher, viewer, outsider = (programs.enter_context(Researcher(interpreter, url)) for _ in range(4))
    root.login("root", root_password)
    organizations = {name: _make_organization(root, f"{name}-{tag}") for name in (*PARTNERS, "island")}
    collaboration = root.call(
        "collaboration.create",
        name=f"archipelago-{tag}",
        organizations=[organizations[name] for name in PARTNERS],
        encrypted=False,
    )["id"]
    elsewhere = root.call(
        "collaboration.create",
        name=f"solitude-{tag}",
        organizations=[organizations["island"]],
        encrypted=False,
    )["id"]
    roles = {role["name"]: role["id"] for role in root.call("role.list", per_page=50)["data"]}
    names = {}
    for program, person, home, role in (
        (researcher, "rosalind", "north", "Researcher"),
        (viewer, "vera", "south", "Viewer"),
        (outsider, "otto", "island", "Researcher"),
    ):
        names[person] = f"{person}-{tag}"
        _make_user(root, names[person], organizations[home], roles[role])
        program.login(names[person], PASSWORD)
    world = World(
        url=url,
        interpreter=interpreter,
        tag=tag,
        root=root,
        researcher=researcher,
        viewer=viewer,
        outsider=outsider,
        organizations=organizations,
        collaboration=collaboration,
        elsewhere=elsewhere,
        nodes={},
        stations={},
        names=names,
    )
    world.make_node("island", elsewhere)
    for name in PARTNERS:
        world.nodes[name] = world.make_node(name, collaboration)
        world.stations[name] = programs.enter_context(Station(interpreter, url))
        world.stations[name].login(world.nodes[name]["api_key"], NUMBERS[name])
    return world


def post_task(
    author: Researcher,
    collaboration: int,
    organizations: list[int],
    method: str = "partial_sum",
    **kwargs: Any,
) -> dict[str, Any]:
    """Submit a task as a researcher does."""
    return dict(
        author.call(
            "task.create",
            collaboration=collaboration,
            organizations=organizations,
            name=method,
            image=IMAGE,
            description="made by a test",
            input_={"method": method, "args": [], "kwargs": kwargs},
            databases=[{"label": "default"}],
        )
    )


def begin_waiting(author: Researcher, task: dict[str, Any]) -> Pending:
    """Let the official client wait for the task's results."""
    return author.begin_call("wait_for_results", task_id=task["id"])


def results_of(waiting: Pending, within: float = 60.0) -> list[dict[str, Any]]:
    """Return what the stations sent, as the official client decoded it."""
    return [json.loads(item["result"]) for item in waiting.result(within)["data"]]


def _make_organization(root: Researcher, name: str) -> int:
    answer = root.call(
        "organization.create",
        name=name,
        address1="Quay 1",
        address2="",
        zipcode="1000 AA",
        country="Netherlands",
        domain=f"{name}.example",
    )
    return int(answer["id"])


def _make_user(root: Researcher, username: str, organization: int, role: int) -> None:
    answer = root.call(
        "user.create",
        username=username,
        firstname=username.capitalize(),
        lastname="Example",
        password=PASSWORD,
        email=f"{username}@example.org",
        organization=organization,
        roles=[role],
    )
    if "id" not in answer:
        raise AssertionError(f"root could not make {username}: {answer}")
