"""The suite `sockets`: everybody listens, things happen one after the other, and each hears what is meant for it.

Owns the order of what happens, and the ears. Who should hear what is said in `audiences`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import socketio

from .normal import normal_event
from .recording import Cell, cases
from .replay import perform
from .symbols import NO_ID
from .world import World, started

Act = Callable[["Stage"], Awaitable[None]]

NAMESPACE = "/tasks"
TRANSPORTS = ("polling", "websocket")
USERS = (
    "root",
    "x.event.glo.receive",
    "x.event.col.receive",
    "x.event.org.receive",
    "x.event.glo.send",
    "A.none",
    "A.Viewer",
    "B.Viewer",
    "C.Viewer",
    "E.Researcher",
    "D.OrgAdmin",
)
NODES = ("node:A1", "node:B1", "node:A2", "node:E3", "node:B3")
"""In the order in which they came."""

_QUIET_SECONDS = 0.3
_LOOK_SECONDS = 0.02
_BAD = {"bad signature": "badsig", "garbage": "badtoken", "no token": "anonymous", "refresh token": "refresh"}


class Ear:
    """One connection, and what it heard.

    Args:
        transport: by which it connects.
    """

    def __init__(self, transport: str) -> None:
        self._transport = transport
        self._http = aiohttp.ClientSession()
        self._client = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self._heard: list[list[Any]] = []

    @property
    def is_connected(self) -> bool:
        """Whether it is still in the namespace."""
        return NAMESPACE in self._client.namespaces

    @property
    def count(self) -> int:
        """How much it has heard since the last look."""
        return len(self._heard)

    async def connect(self, url: str, headers: dict[str, str], namespace: str = NAMESPACE) -> bool:
        """Connect; whether that was accepted."""

        async def hear(event: str, *arguments: Any) -> None:
            if event not in ("connect", "disconnect", "connect_error"):
                self._heard.append([event, *arguments])

        self._client.on("*", hear, namespace=namespace)
        try:
            await self._client.connect(url, headers=headers, transports=[self._transport], namespaces=[namespace])
        except socketio.exceptions.ConnectionError:
            return False
        return True

    def take(self) -> list[list[Any]]:
        """What it has heard since the last look."""
        heard, self._heard = self._heard, []
        return heard

    async def emit(self, event: str, data: Any = None) -> None:
        """Say something."""
        with suppress(socketio.exceptions.BadNamespaceError):  # it was put out already
            await self._client.emit(event, data, namespace=NAMESPACE)

    async def close(self) -> None:
        """Leave."""
        await self._client.shutdown()
        await self._http.close()


class Stage:
    """Who is connected, and what was heard of each thing that happened.

    Attributes:
        world: of the recordings.
        ears: by actor.
        heard: what each actor heard, by case and actor.
        said: what other cells showed, by case and step.
    """

    def __init__(self, world: World, url: str, transport: str) -> None:
        self.world = world
        self.ears: dict[str, Ear] = {}
        self.heard: dict[tuple[str, str], list[Any]] = {}
        self.said: dict[tuple[str, str], Any] = {}
        self._url = url
        self._transport = transport
        self._case = ""

    async def happen(self, case: str, act: Act) -> None:
        """Let something happen, and note what everybody hears."""
        self._case = f"{self._transport}/{case}"
        listening = dict(self.ears)
        await act(self)
        await self._until_quiet()
        for actor, ear in (listening | self.ears).items():
            events = [normal_event(event, self.world.symbols) for event in ear.take()]
            self.heard[self._case, actor] = sorted(events, key=str)
        if await self._ask():
            await self._until_quiet()
            for ear in self.ears.values():
                ear.take()

    async def enter(self, actor: str, name: str = "", namespace: str = NAMESPACE) -> Ear:
        """Let an actor connect, under another name if it is connected already."""
        ear = Ear(self._transport)
        name = name or actor
        self.ears[name] = ear
        who = _BAD.get(actor, actor).partition("#")[0]
        headers = await self.world.headers(who)
        shown = {key.title(): value for key, value in headers.items()}
        outcome = "connected" if await ear.connect(self._url, shown, namespace) else "refused"
        self.said[self._case, "outcome"] = {"outcome": outcome}
        return ear

    async def leave(self, name: str) -> None:
        """Let a connection go."""
        await self.ears.pop(name).close()

    async def close(self) -> None:
        """Let everybody go."""
        for name in list(self.ears):
            await self.leave(name)

    def note(self, step: str, value: Any) -> None:
        """Note what a cell shows that is no event and no answer."""
        self.said[self._case, step] = value

    async def _until_quiet(self) -> None:
        """Wait until nobody has heard anything for a while."""
        loop = asyncio.get_running_loop()
        await self.world.server.settle()
        count, since = -1, loop.time()
        while loop.time() - since < _QUIET_SECONDS:
            now = sum(ear.count for ear in self.ears.values())
            if now != count:
                count, since = now, loop.time()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ask(self) -> bool:
        """Make the requests by which the recording looked at what had become of it; whether one made something."""
        made = False
        for cell in cases("sockets").get(self._case, []):
            if cell.method and (self._case, cell.step) not in self.said:
                self.said[self._case, cell.step] = await perform(self.world, cell)
                made = made or cell.method != "GET"
        return made


async def play(world: World, url: str, transport: str) -> Stage:
    """Let everything happen by one transport."""
    stage = Stage(world, url, transport)
    try:
        for case, act in _script(transport):
            if "expired" not in case or "expired" in world.tokens:
                await stage.happen(case, act)
    finally:
        await stage.close()
        await world.server.settle()
    return stage


def _script(transport: str) -> Sequence[tuple[str, Act]]:
    return (
        ("before nodes", _nothing),
        *((f"connect {user}", _enter(user)) for user in USERS),
        ("user state", _nothing),
        *((f"connect {node}", _enter(node)) for node in NODES),
        *((f"connected {node.removeprefix('node:')}", _nothing) for node in NODES),
        ("namespace /", _visit("/")),
        ("namespace /foo", _visit("/foo")),
        ("new task c1", _post("s.c1", "A.Researcher", "c1", "AB")),
        ("new task c1 one org", _post("s.c1b", "B.Researcher", "c1", "B")),
        ("new task c2 encrypted", _post("s.c2", "A.Researcher", "c2", "AC")),
        ("new task c3", _post("s.c3", "B.Researcher", "c3", "BE")),
        ("new task study", _post("s.st", "A.Researcher", "s1", "A")),
        ("run patched", _report("s.c1.A", "A1", started_at=started(51), status="active")),
        ("status change", _emit("node:A1", "algorithm_status_change", _status("s.c1.A", "active"))),
        ("run patched c3", _report("s.c3.E", "E3", started_at=started(52), status="active")),
        ("new subtask", _subtask),
        ("status change sparse", _emit("node:A1", "algorithm_status_change", _sparse)),
        (
            "status change unknown run",
            _emit("node:A1", "algorithm_status_change", {"run_id": 987654, "status": "active"}),
        ),
        ("status change by user", _emit("root", "algorithm_status_change", _status("s.c1.A", "crashed"))),
        ("status change by foreign node", _emit("node:E3", "algorithm_status_change", _status("s.c1.A", "completed"))),
        ("status change crashed", _emit("node:A1", "algorithm_status_change", _status("s.c1.A", "crashed"))),
        ("status change subtask", _emit("node:A1", "algorithm_status_change", _status("s.sub.A", "completed"))),
        ("log 0", _emit("node:A1", "algorithm_log", _log("first"))),
        ("log 1", _emit("node:A1", "algorithm_log", _log("second\n"))),
        ("log 2", _emit("node:A1", "algorithm_log", _log("third"))),
        ("log", _nothing),
        ("log by other org", _emit("node:B1", "algorithm_log", _log("by B1"))),
        ("log by foreign node", _emit("node:E3", "algorithm_log", _log("by E3"))),
        ("log by user", _emit("root", "algorithm_log", _log("by root"))),
        ("log unknown run", _emit("node:A1", "algorithm_log", {"run_id": NO_ID, "log": "x", "collaboration_id": 1})),
        ("log after", _nothing),
        ("bad log None", _emit("node:A1", "algorithm_log", None)),
        ("bad log 'text'", _emit("node:A1", "algorithm_log", "text")),
        ("alive after bad", _is_alive),
        ("run finished", _report("s.c1.B", "B1", status="completed", result="", finished_at=started(53))),
        ("node info", _emit("node:A1", "node_info_update", _info(transport))),
        ("more node info", _emit("node:A1", "node_info_update", {"second": "x"})),
        ("node info by user", _emit("root", "node_info_update", {"third": "y"})),
        ("clean node info", _emit("node:A1", "node_info_update", {"clean": True})),
        ("column task", _nothing),
        ("ping node:A1", _emit("node:A1", "ping")),
        ("ping A.Viewer", _emit("A.Viewer", "ping")),
        ("ping", _nothing),
        ("metrics", _emit("node:A1", "node_metrics_update", {"cpu_percent": 1.0})),
        ("message", _emit("node:A1", "message", "hello")),
        ("error", _emit("node:A1", "error", "hello")),
        ("unknown event", _emit("node:A1", "no_such_event", {"a": 1})),
        *(step for kind in _BAD for step in _strangers(kind)),
        *_strangers("expired"),
        *_strangers("container token"),
        ("kill task", _kill("s.c1")),
        ("kill task c3", _kill("s.c3")),
        ("kill node", _nothing),
        ("delete finished task", _delete_finished),
        ("connect node:A1#2", _enter("node:A1#2")),
        ("second leaves", _leave("node:A1#2")),
        ("second left", _nothing),
        ("ping after second left", _nothing),
        ("node A1 leaves", _leave("node:A1")),
        ("node A1 left", _nothing),
        ("node E3 leaves", _leave("node:E3")),
        ("node E3 left", _nothing),
        ("user leaves", _leave("A.Viewer")),
        ("user left", _nothing),
        ("connect node:A1 again", _enter("node:A1", outcome_of="node:A1 again")),
    )


async def _nothing(_stage: Stage) -> None:
    """The recording only looked."""


def _enter(actor: str, *, outcome_of: str = "") -> Act:
    async def act(stage: Stage) -> None:
        await stage.enter(actor)
        if outcome_of:
            stage.note("outcome", {"outcome": "connected" if stage.ears[actor].is_connected else "refused"})

    return act


def _leave(name: str) -> Act:
    async def act(stage: Stage) -> None:
        await stage.leave(name)

    return act


def _visit(namespace: str) -> Act:
    async def act(stage: Stage) -> None:
        await stage.enter("A.Viewer", "visitor", namespace)
        await stage.leave("visitor")

    return act


def _strangers(kind: str) -> Sequence[tuple[str, Act]]:
    """Somebody with a bad token comes, says something and leaves."""

    async def come(stage: Stage) -> None:
        actor = {"expired": "expired", "container token": "container:A"}.get(kind, kind)
        ear = await stage.enter(actor, kind)
        stage.note("outcome", {"outcome": "connected", "still": ear.is_connected})

    async def say(stage: Stage) -> None:
        await stage.ears[kind].emit("algorithm_log", _log("by a stranger")(stage.world))

    return (f"bad {kind}", come), (f"bad {kind} emits", say), (f"bad {kind} leaves", _leave(kind))


def _emit(actor: str, event: str, data: Any = None) -> Act:
    async def act(stage: Stage) -> None:
        await stage.ears[actor].emit(event, data(stage.world) if callable(data) else data)

    return act


def _post(name: str, creator: str, where: str, organizations: str) -> Act:
    async def act(stage: Stage) -> None:
        place = {"study_id": "{study:s1}"} if where == "s1" else {"collaboration_id": f"{{col:{where}}}"}
        given = {"input": "//768IAgbm90IHV0Zi04IMMo"} if where == "c2" else {}
        await stage.world.task(name, creator, list(organizations), **place, **given)

    return act


async def _subtask(stage: Stage) -> None:
    await stage.world.container("s", "A1", "s.c1")
    await stage.world.task("s.sub", "container:s", ["A", "B"], collaboration_id="{col:c1}")


def _report(run: str, node: str, **fields: Any) -> Act:
    async def act(stage: Stage) -> None:
        await stage.world.report(run, node, **fields)

    return act


def _kill(task: str) -> Act:
    async def act(stage: Stage) -> None:
        await stage.world.make("root", "POST", "/kill/task", {"id": f"{{task:{task}}}"})

    return act


async def _delete_finished(stage: Stage) -> None:
    await stage.world.make("root", "DELETE", "/task/{task:t10}")


async def _is_alive(stage: Stage) -> None:
    stage.note("outcome", {"connected": stage.ears["node:A1"].is_connected})


def _log(text: str) -> Callable[[World], Any]:
    def data(world: World) -> Any:
        places = {"run_id": "{run:s.c1.A}", "task_id": "{task:s.c1}", "collaboration_id": "{col:c1}"}
        return world.symbols.fill(places) | {"log": text}

    return data


def _sparse(world: World) -> Any:
    return world.symbols.fill({"run_id": "{run:s.c1.A}", "collaboration_id": "{col:c1}"})


def _status(run: str, status: str) -> Callable[[World], Any]:
    def data(world: World) -> Any:
        task = run.rpartition(".")[0]
        places = {
            "run_id": f"{{run:{run}}}",
            "task_id": f"{{task:{task}}}",
            "collaboration_id": "{col:c1}",
            "node_id": "{node:A1}",
            "organization_id": "{org:A}",
            "parent_id": "{task:s.c1}" if task == "s.sub" else None,
        }
        return world.symbols.fill(places) | {"status": status}

    return data


def _info(transport: str) -> Any:
    recorded = cases("sockets")[f"{transport}/node info"]
    data = next(cell.request["data"] for cell in recorded if "data" in cell.request)
    shown = next(cell.body["config"] for cell in recorded if "config" in cell.body)
    # the file keeps the keys sorted; the order in which they were said shows in what became of them
    order = [entry["key"] for entry in shown]
    first = {key: next(iter(value)) if isinstance(value, dict) else key for key, value in data.items()}
    return dict(sorted(data.items(), key=lambda item: order.index(first[item[0]])))


def found(stage: Stage, cell: Cell) -> Any:
    """What a cell shows now; None if the script has nothing of it."""
    if (cell.case, cell.step) in stage.said:
        return stage.said[cell.case, cell.step]
    heard = stage.heard.get((cell.case, cell.actor))
    return None if heard is None else {"events": heard}
