"""The work that is measured. A job gives each client its step: one request, or one request and what follows from it."""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count

import orjson

from bench.http_client import Connection
from bench.loop import ExhaustedError, Step
from bench.node_socket import Heard, NodeSocket
from bench.plan import RECEIVERS
from bench.world import PASSWORD, Node, World

Steps = Callable[[World, int], AbstractAsyncContextManager[list[Step]]]
"""Makes the steps of so many clients, which are good as long as the block lasts."""


@dataclass(frozen=True)
class Job:
    """One kind of work.

    Attributes:
        name: for the table and the choice on the command line.
        steps: what its clients do.
        original: requests a second of the original at 16 clients with one instance and with two, where it was measured.
    """

    name: str
    steps: Steps
    original: tuple[float, float] | None = None


def _connections(world: World, clients: int, stack: AsyncExitStack) -> list[Connection]:
    connections = [Connection(world.url) for _ in range(clients)]
    for connection in connections:
        stack.callback(connection.close)
    return connections


def _reading(path: Callable[[World, int], str]) -> Steps:
    """Steps that GET a path, which may differ from time to time, as a researcher."""

    @asynccontextmanager
    async def steps(world: World, clients: int) -> AsyncIterator[list[Step]]:
        numbers = count()

        def step_of(http: Connection, token: str) -> Step:
            async def step() -> None:
                (await http.request("GET", path(world, next(numbers)), token=token)).expect(200)

            return step

        async with AsyncExitStack() as stack:
            connections = _connections(world, clients, stack)
            yield [
                step_of(http, world.researchers[place % len(world.researchers)].token)
                for place, http in enumerate(connections)
            ]

    return steps


def _posting(path: str, bodies: Callable[[World, int], Callable[[], bytes]]) -> Steps:
    """Steps that POST to a path without a token; each client has bodies of its own."""

    @asynccontextmanager
    async def steps(world: World, clients: int) -> AsyncIterator[list[Step]]:
        def step_of(http: Connection, body: Callable[[], bytes]) -> Step:
            async def step() -> None:
                (await http.request("POST", path, body=body())).expect(200)

            return step

        async with AsyncExitStack() as stack:
            connections = _connections(world, clients, stack)
            yield [step_of(http, bodies(world, place)) for place, http in enumerate(connections)]

    return steps


def _node_credentials(world: World, place: int) -> Callable[[], bytes]:
    numbers = count(place)
    return lambda: orjson.dumps({"api_key": world.nodes[next(numbers) % len(world.nodes)].api_key})


def _user_credentials(world: World, place: int) -> Callable[[], bytes]:
    researcher = world.researchers[place % len(world.researchers)]
    body = orjson.dumps({"username": researcher.username, "password": PASSWORD})
    return lambda: body


@asynccontextmanager
async def _post_tasks(world: World, clients: int) -> AsyncIterator[list[Step]]:
    numbers = count()

    def step_of(http: Connection, token: str) -> Step:
        async def step() -> None:
            await http.post("/api/task", world.task(next(numbers)), token=token)

        return step

    async with AsyncExitStack() as stack:
        yield [
            step_of(http, world.researchers[place % len(world.researchers)].token)
            for place, http in enumerate(_connections(world, clients, stack))
        ]


@asynccontextmanager
async def _patch_runs(world: World, clients: int) -> AsyncIterator[list[Step]]:
    """The three reports that a node makes of each of its runs, in their order."""
    reports = [
        orjson.dumps({"started_at": "2026-01-02T03:04:05.000006+00:00"}),
        orjson.dumps({"status": "active"}),
        orjson.dumps(
            {
                "result": "eyJhdmVyYWdlIjogNDIuMCwgImNvdW50IjogMTAwMH0=",
                "log": "reading data\ncomputing\ndone\n" * 5,
                "status": "completed",
                "finished_at": "2026-01-02T03:05:05.000006+00:00",
            }
        ),
    ]
    await world.log_in_nodes()
    open_runs = {node.id: deque(await world.open_runs(node)) for node in world.stations}

    def step_of(http: Connection, node: Node) -> Step:
        token = world.node_tokens[node.id]
        ahead: list[tuple[int, bytes]] = []

        async def step() -> None:
            if not ahead:
                if not open_runs[node.id]:
                    raise ExhaustedError
                run = open_runs[node.id].popleft()
                ahead.extend((run, report) for report in reversed(reports))
            run, report = ahead.pop()
            (await http.request("PATCH", f"/api/run/{run}", token=token, body=report)).expect(200)

        return step

    async with AsyncExitStack() as stack:
        yield [
            step_of(http, world.stations[place % len(world.stations)])
            for place, http in enumerate(_connections(world, clients, stack))
        ]


@asynccontextmanager
async def _hear_tasks(world: World, clients: int) -> AsyncIterator[list[Step]]:
    """From the sending of a task to each of its five nodes hearing of it."""
    await world.log_in_nodes()
    heard = Heard()
    numbers = count()

    def step_of(http: Connection, token: str) -> Step:
        async def step() -> Sequence[float]:
            task = world.task(next(numbers))
            began = time.perf_counter()
            task_id = (await http.post("/api/task", task, token=token))["id"]
            return [arrived - began for arrived in await heard.times(task_id, RECEIVERS)]

        return step

    async with AsyncExitStack() as stack:
        for node in world.stations:
            await stack.enter_async_context(NodeSocket(world.url, world.node_tokens[node.id], heard))
        yield [
            step_of(http, world.researchers[place % len(world.researchers)].token)
            for place, http in enumerate(_connections(world, clients, stack))
        ]


NODE_LOGIN = Job("node login", _posting("/api/token/node", _node_credentials), (0.4, 0.65))
HEAR_TASK = Job("POST /task -> new_task", _hear_tasks)

JOBS: Sequence[Job] = (
    Job("GET /version", _reading(lambda _world, _number: "/api/version"), (1640, 1700)),
    NODE_LOGIN,
    Job("user login", _posting("/api/token/user", _user_credentials), (3.7, 7.0)),
    Job(
        "GET /task/{id}",
        _reading(lambda world, number: f"/api/task/{world.tasks[number * 7919 % len(world.tasks)]}"),
        (46, 76),
    ),
    Job("GET /task 10 with runs", _reading(lambda _world, _number: "/api/task?per_page=10&include=runs"), (24, 40)),
    Job("GET /task 100 with runs", _reading(lambda _world, _number: "/api/task?per_page=100&include=runs"), (4.0, 6.3)),
    Job("POST /task to 5", _post_tasks, (20, 30)),
    Job("PATCH /run", _patch_runs, (49, 73)),
    HEAR_TASK,
)
"""In the order in which they are measured: what reads comes before what makes the world grow."""
