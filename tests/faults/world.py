"""Who lives on the suite: organizations and people once, and a scene for each test.

Everything is made through REST, as an administrator would. A scene is a collaboration with a node for each
organization, a user who watches it, and outsiders: a user and a node of an organization that has nothing to do with it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp

from sextant_shared.contract import socket_events
from tests.faults import invariants
from tests.faults.fleet import Fleet, Identity, Station, Watcher, fleet, names, until
from tests.faults.history import Accepted, Asked, History, Injected
from tests.faults.invariants import Cast, Exempt
from tests.faults.rest import Rest, new_session

PASSWORD: Final = "Correct-horse-7"
IMAGE: Final = "registry.example/sums:1"
INPUT: Final = "e30="
ORGANIZATIONS: Final = 20
_BUILDERS: Final = 8
_READY_SECONDS: Final = 60
DONE_SECONDS: Final = 120
"""How long the work of a test may take after everything is whole again; machines differ."""

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """What was made once.

    Attributes:
        url: of the suite.
        root: the login of the first user.
        people: the logins of researchers: rosalind and walter are of the first two organizations, otto of the island.
        organizations: those that work together.
        island: one that does not.
    """

    url: str
    root: dict[str, str]
    people: dict[str, dict[str, str]]
    organizations: Sequence[int]
    island: int


async def build(url: str, root_password: str) -> World:
    """Make the world on a suite."""
    tag = secrets.token_hex(3)
    root_login = {"username": "root", "password": root_password}
    async with new_session() as session:
        root = Rest(session, url, "root", ("/api/token/user", root_login), History())

        async def organization(name: str) -> int:
            return int((await root.make("/api/organization", {"name": f"{name}-{tag}"}))["id"])

        *organizations, island = await _each(organization, [*map(str, range(ORGANIZATIONS)), "island"])
        role = (await root.get("/api/role?name=Researcher"))["data"][0]["id"]
        people = {}
        for person, home in (("rosalind", organizations[0]), ("walter", organizations[1]), ("otto", island)):
            login = {"username": f"{person}-{tag}", "password": PASSWORD}
            names_and_roles = {"firstname": person, "lastname": "Example", "organization_id": home, "roles": [role]}
            await root.make("/api/user", {**login, "email": f"{person}-{tag}@example.org", **names_and_roles})
            people[person] = login
        return World(url, root_login, people, organizations, island)


class Scene:
    """One test's collaboration and all who take part in it.

    Attributes:
        world: where it takes place.
        session: carries everybody's requests.
        history: of everything.
        fleet: who takes part at present.
        root, researcher: who ask for things.
        collaboration: what it is about.
        stations: its nodes, in the order of the world's organizations.
        watcher: a user who hears all of it.
        outsider, stranger: a user and a node that must hear nothing of it.
    """

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.world = world
        self.session = session
        self.history = History()
        self.root = self.user("root", world.root)
        self.researcher = self.user("rosalind", world.people["rosalind"])
        self.watcher = self.watch("walter", self.user("walter", world.people["walter"]))
        self.outsider = self.watch("otto", self.user("otto", world.people["otto"]))
        self.collaboration = 0
        self.identities: list[Identity] = []
        self.stations: list[Station] = []
        self.stranger: Station
        self.fleet: Fleet

    def user(self, who: str, login: dict[str, str]) -> Rest:
        """A user who asks for things."""
        return Rest(self.session, self.world.url, who, ("/api/token/user", login), self.history)

    def watch(self, name: str, user: Rest) -> Watcher:
        """Make a socket of a user; to be added to the fleet."""
        return Watcher(name, user, self.session, self.world.url, self.history)

    async def make_collaboration(self, organizations: Sequence[int]) -> int:
        """Make a collaboration."""
        body = {"name": f"together-{secrets.token_hex(4)}", "organization_ids": organizations, "encrypted": False}
        return int((await self.root.make("/api/collaboration", body, status=200))["id"])

    async def register(self, organizations: Sequence[int], collaboration: int) -> list[Identity]:
        """Register a node for each organization."""

        async def register(organization: int) -> Identity:
            name = f"{organization}-{secrets.token_hex(4)}"
            body = {"name": name, "organization_id": organization, "collaboration_id": collaboration}
            made = await self.root.make("/api/node", body)
            return Identity(made["id"], organization, collaboration, made["api_key"])

        return await _each(register, organizations)

    def station(self, identity: Identity, **options: Any) -> Station:
        """Make a node of flesh and blood; to be added to the fleet."""
        return Station(identity, self.session, self.world.url, self.history, **options)

    async def set(self, *, socket_url: str | None = None) -> None:
        """Make the collaboration and all who take part."""
        island = await self.make_collaboration([self.world.island])
        self.stranger = self.station((await self.register([self.world.island], island))[0])
        self.collaboration = await self.make_collaboration(self.world.organizations)
        self.identities = await self.register(self.world.organizations, self.collaboration)
        self.stations = [self.station(identity, socket_url=socket_url) for identity in self.identities]

    async def replace(self, station: Station, **options: Any) -> Station:
        """Let a node vanish, if it is there, and another process with its API key come in its place."""
        if self.fleet.is_taking_part(station):
            await self.fleet.remove(station)
        again = self.station(station.identity, **options)
        self.stations[self.stations.index(station)] = again
        self.fleet.add(again)
        return again

    def injected(self, what: str) -> None:
        """Write down what is done to the suite."""
        self.history.note(Injected(what))

    # -- work --------------------------------------------------------------------------------------

    def task(self, name: str, organizations: Sequence[int]) -> dict[str, Any]:
        """The body of a request for a task."""
        return {
            "name": name,
            "description": "made by a test",
            "image": IMAGE,
            "collaboration_id": self.collaboration,
            "organizations": [{"id": each, "input": INPUT} for each in organizations],
            "databases": [{"label": "default"}],
        }

    async def post(self, organizations: Sequence[int] | None = None) -> int:
        """Have a task made, however often that has to be asked for."""
        name = f"task-{secrets.token_hex(6)}"
        organizations = self.world.organizations if organizations is None else organizations
        self.history.note(Asked(name, organizations))
        made = await self.researcher.make("/api/task", self.task(name, organizations))
        self.history.note(Accepted(name, made["id"]))
        return int(made["id"])

    async def post_many(self, count: int, *, at_once: int = 4) -> list[int]:
        """Have several tasks made."""
        return await _each(lambda _number: self.post(), range(count), at_once=at_once)

    async def open_runs(self) -> int:
        """Count the runs of the collaboration that have not ended."""
        answer = await self.root.ask("GET", f"/api/run?collaboration_id={self.collaboration}&state=open&per_page=1")
        return int(answer.headers["total-count"]) if answer.status == 200 else -1

    async def until_done(self, within: float = DONE_SECONDS, *, but: int = 0) -> None:
        """Wait until all runs have ended, but for some."""

        async def done() -> bool:
            return await self.open_runs() == but

        await until(done, within, "all work is done", history=self.history)

    async def presence(self) -> dict[int, str]:
        """How each node is shown."""
        listed = await self.root.pages(f"/api/node?collaboration_id={self.collaboration}&per_page=500")
        return {node["id"]: node["status"] for node in listed}

    async def until_presence(self, expected: dict[int, str], within: float = _READY_SECONDS) -> None:
        """Wait until nodes are shown like this; others may be shown as they like."""

        async def shown() -> bool:
            return expected.items() <= (await self.presence()).items()

        await until(shown, within, f"nodes are shown as {expected}", history=self.history)

    async def until_connected(self, within: float = _READY_SECONDS) -> None:
        """Wait until everybody's socket is open."""
        await until(self.fleet.are_connected, within, "all are connected", history=self.history)

    async def until_online(self, within: float = _READY_SECONDS) -> None:
        """Wait until everybody is connected, and nodes are shown online."""
        await self.until_connected(within)
        await self.until_presence({each.identity.id: "online" for each in self._taking_part()}, within)

    def told_offline(self, since: int) -> list[int]:
        """The nodes of which the watcher was told that they went offline."""
        mine = {each.id for each in self.identities}
        told = self.history.heard(self.watcher.name, socket_events.NODE_OFFLINE, since=since)
        return [each["id"] for each in told if each["id"] in mine]

    # -- the end -----------------------------------------------------------------------------------

    async def conclude(self, exempt: Exempt | None = None, *, open_runs: int = 0, within: float = DONE_SECONDS) -> None:
        """Wait until the work is done and presence has settled, and let the checker look at all of it."""
        await self.until_done(within, but=open_runs)
        await self.until_connected()
        cast = self._cast()
        shown = {node: "online" if node in cast.connected else "offline" for node in cast.organizations}
        await self.until_presence(shown)
        complaints = invariants.check(self.history, await self._final(), cast, exempt)
        if complaints:
            raise AssertionError("\n".join([*complaints, "The history ends:", self.history.tail()]))

    def _taking_part(self) -> list[Station]:
        return [each for each in self.stations if self.fleet.is_taking_part(each)]

    def _cast(self) -> Cast:
        return Cast(
            organizations={each.id: each.organization for each in self.identities},
            outsiders=names([self.outsider, self.stranger]),
            listeners={each.name: each.identity.id for each in self.stations},
            connected=frozenset(each.identity.id for each in self._taking_part() if each.channel.is_open),
        )

    async def _final(self) -> invariants.Final:
        where = f"collaboration_id={self.collaboration}&per_page=500"
        results = {each["id"]: each["result"] for each in await self.root.pages(f"/api/result?{where}")}
        runs: dict[int, list[invariants.Run]] = {}
        for run in await self.root.pages(f"/api/run?{where}"):
            shown = invariants.Run(run["id"], run["organization"]["id"], run["status"], results.get(run["id"]))
            runs.setdefault(run["task"]["id"], []).append(shown)
        tasks = [
            invariants.Task(task["id"], task["name"], task["status"], runs.get(task["id"], []))
            for task in await self.root.pages(f"/api/task?{where}")
        ]
        return invariants.Final(tasks, await self.presence())


@asynccontextmanager
async def scene(world: World, *, socket_url: str | None = None) -> AsyncIterator[Scene]:
    """Set a scene; everybody is there when it begins, and nodes are shown online."""
    async with AsyncExitStack() as exits:
        made = Scene(world, await exits.enter_async_context(new_session()))
        await made.set(socket_url=socket_url)
        made.fleet = await exits.enter_async_context(fleet(made.watcher, made.outsider, made.stranger, *made.stations))
        await made.until_online()
        yield made


async def _each(make: Callable[[Any], Awaitable[T]], wanted: Collection[Any], *, at_once: int = _BUILDERS) -> list[T]:
    """Do something for each, a few at a time; the results are in order."""
    turns = asyncio.Semaphore(at_once)

    async def one(item: Any) -> T:
        async with turns:
            return await make(item)

    return list(await asyncio.gather(*(one(item) for item in wanted)))
