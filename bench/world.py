"""The world that is measured: organizations, collaborations, nodes, researchers and tasks.

Made as an administrator would make it: everything goes through the REST API. What the benchmark needs to play its
parts (tokens, keys, ids) is kept here.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.http_client import Connection
from bench.plan import RECEIVERS, Plan

PASSWORD = "Bench-mark-1"  # noqa: S105 - of accounts that live as long as the run
IMAGE = "registry.example/average:1"
_INPUT = base64.b64encode(b'{"method": "partial_average", "args": [], "kwargs": {"column": "age"}}').decode()
_BUILDERS = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Node:
    """A data station."""

    id: int
    organization: int
    api_key: str


@dataclass(frozen=True)
class Researcher:
    """A person who posts tasks."""

    username: str
    token: str


@dataclass
class World:
    """What was made.

    Attributes:
        collaboration: all organizations are in it and have a node there.
        nodes: of all collaborations, those of `collaboration` first.
        tasks: ids, oldest first.
    """

    url: str
    plan: Plan
    root: str = ""
    tag: str = field(default_factory=lambda: secrets.token_hex(3))
    organizations: list[int] = field(default_factory=list)
    collaborations: list[int] = field(default_factory=list)
    researchers: list[Researcher] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    node_tokens: dict[int, str] = field(default_factory=dict)
    tasks: list[int] = field(default_factory=list)

    @property
    def collaboration(self) -> int:
        """The collaboration in which everything happens."""
        return self.collaborations[0]

    @property
    def stations(self) -> Sequence[Node]:
        """The nodes of that collaboration."""
        return self.nodes[: self.plan.organizations]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for a while."""
        connection = Connection(self.url)
        try:
            yield connection
        finally:
            connection.close()

    async def settle(self, root_password: str) -> None:
        """Make everything but the nodes and tasks."""
        async with self.connection() as http:
            self.root = (await log_in(http, "root", root_password))["access_token"]
            for number in range(self.plan.organizations):
                made = await http.post(
                    "/api/organization", {"name": f"organization-{number}-{self.tag}"}, token=self.root
                )
                self.organizations.append(made["id"])
            roles = await http.get("/api/role?name=Researcher", token=self.root)
            role = next(role["id"] for role in roles["data"] if role["name"] == "Researcher")
        await self._collaborate(self.organizations)

        async def researcher(http: Connection, number: int) -> Researcher:
            username = f"researcher-{number}-{self.tag}"
            account = {
                "username": username,
                "password": PASSWORD,
                "email": f"{username}@example.org",
                "firstname": "Ada",
                "lastname": "Example",
                "organization_id": self.organizations[number % len(self.organizations)],
                "roles": [role],
            }
            await http.post("/api/user", account, token=self.root)
            return Researcher(username, (await log_in(http, username, PASSWORD))["access_token"])

        self.researchers = await self._build(researcher, range(self.plan.users))

    async def grow_nodes(self, count: int) -> None:
        """Make nodes until there are so many, and further collaborations where they need them."""
        while len(self.nodes) < count:
            place = len(self.nodes)
            if place // len(self.organizations) >= len(self.collaborations):
                await self._collaborate(self.organizations)
            missing = range(place, min(count, (place // len(self.organizations) + 1) * len(self.organizations)))
            self.nodes += await self._build(self._node, missing)

    async def grow_tasks(self, count: int) -> None:
        """Make tasks until there are so many."""

        async def task(http: Connection, number: int) -> int:
            made = await http.post("/api/task", self.task(number), token=self.researchers[0].token)
            return int(made["id"])

        self.tasks += sorted(await self._build(task, range(len(self.tasks), count)))

    async def log_in_nodes(self) -> None:
        """Get a token for each node of the collaboration."""
        async with self.connection() as http:
            for node in self.stations:
                answer = await http.post("/api/token/node", {"api_key": node.api_key}, status=200)
                self.node_tokens[node.id] = answer["access_token"]

    async def open_runs(self, node: Node) -> list[int]:
        """The runs of a node that are not over, oldest first."""
        found: list[int] = []
        async with self.connection() as http:
            path = f"/api/run?state=open&node_id={node.id}&per_page=500"
            while True:
                page = await http.get(path, token=self.node_tokens[node.id])
                found += [run["id"] for run in page["data"]]
                if "next" not in page["links"]:
                    return found[::-1]
                path = page["links"]["next"]

    def task(self, number: int) -> dict[str, Any]:
        """A task for five organizations, others each time."""
        receivers = [self.organizations[(number + place) % len(self.organizations)] for place in range(RECEIVERS)]
        return {
            "name": f"average-{number}",
            "description": "made by the benchmark",
            "image": IMAGE,
            "collaboration_id": self.collaboration,
            "organizations": [{"id": organization, "input": _INPUT} for organization in receivers],
            "databases": [{"label": "default"}],
        }

    async def _collaborate(self, organizations: Sequence[int]) -> None:
        async with self.connection() as http:
            body = {
                "name": f"collaboration-{len(self.collaborations)}-{self.tag}",
                "organization_ids": list(organizations),
                "encrypted": False,
            }
            made = await http.post("/api/collaboration", body, token=self.root, status=200)
            self.collaborations.append(made["id"])

    async def _node(self, http: Connection, number: int) -> Node:
        collaboration, place = divmod(number, len(self.organizations))
        organization = self.organizations[place]
        body = {
            "name": f"node-{number}-{self.tag}",
            "organization_id": organization,
            "collaboration_id": self.collaborations[collaboration],
        }
        made = await http.post("/api/node", body, token=self.root)
        return Node(made["id"], organization, made["api_key"])

    async def _build(self, make: Callable[[Connection, int], Awaitable[T]], numbers: Sequence[int]) -> list[T]:
        """Make several things, a few at a time, in the order of their numbers."""
        made: dict[int, T] = {}
        waiting = iter(numbers)

        async def builder() -> None:
            async with self.connection() as http:
                for number in waiting:
                    made[number] = await make(http, number)

        async with asyncio.TaskGroup() as group:
            for _ in range(_BUILDERS):
                group.create_task(builder())
        return [made[number] for number in numbers]


async def log_in(http: Connection, username: str, password: str) -> Any:
    """Get a user's tokens."""
    return await http.post("/api/token/user", {"username": username, "password": password}, status=200)
