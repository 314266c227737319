"""What relay's tests stand on: its neighbours, a real server for it, and clients with a memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Self
from uuid import uuid4

import aiohttp
import httpx2
import orjson
import socketio
from fastapi import Depends, Query
from prometheus_client import REGISTRY

from sextant_relay.app import create_service
from sextant_relay.settings import RelaySettings
from sextant_shared.clock import SystemClock
from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.history import Entry, HistoryPage, Offset
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.contract.routing import API, RELAY
from sextant_shared.contract.socket_events import NAMESPACE
from sextant_shared.http.access import Gate, Peer
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.peers import InProcessNetwork
from sextant_shared.http.service import Server, Service, make_app, uvicorn_config
from sextant_shared.ids import new_id
from sextant_shared.messaging import API_COMMANDS, Broadcast, Bus, Handler, InProcessBus
from sextant_shared.security import Principal, PrincipalCache, TokenVerifier
from sextant_shared.testing.fakes import FakeAuth

_POLL = "/socket.io/?EIO=4&transport=polling"
PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""

QUICK = {
    "client_secret": "secret",
    "socket_notice_seconds": 0.1,
    "drain_notice_seconds": 0,
    "drain_spread_seconds": 0,
    # tests that restart a broker are about other things than where sockets go meanwhile
    "isolation_seconds": 3600,
}


def envelope(content: Content, *, source: str = "test") -> Envelope:
    return content.enclosed(message_id=new_id(), source=source, time=SystemClock().now())


async def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and give its value."""
    async with asyncio.timeout(PATIENCE):
        while not (value := condition()):
            await asyncio.sleep(0.01)
    return value


class Switchable:
    """A bus that can be away.

    Attributes:
        down: while True, it takes nothing.
        gaps: what to call when events may have been missed.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.down = False
        self.gaps: list[Callable[[], Awaitable[None]]] = []

    def broadcast(
        self,
        handler: Handler,
        *,
        keys: Sequence[str] = (),
        on_gap: Callable[[], Awaitable[None]] | None = None,
    ) -> Broadcast:
        if on_gap is not None:
            self.gaps.append(on_gap)
        return self._bus.broadcast(handler, keys=keys, on_gap=on_gap)

    async def send(self, queue: Any, message: Envelope) -> None:
        if self.down:
            raise UnavailableError("The message broker is not available at the moment")
        await self._bus.send(queue, message)

    async def ping(self) -> None:
        if self.down:
            raise UnavailableError("The message broker is not available at the moment")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


class Commands:
    """Takes relay's commands in api's place, and remembers them."""

    def __init__(self) -> None:
        self.seen: list[Envelope] = []

    async def __call__(self, message: Envelope) -> None:
        self.seen.append(message)

    def of(self, kind: type[Content], **fields: Any) -> list[Any]:
        """The commands of a kind whose content has these fields."""
        found = [kind.opened(message) for message in self.seen if message.type == kind.type]
        return [each for each in found if all(getattr(each, name) == value for name, value in fields.items())]

    async def until(self, kind: type[Content], count: int = 1, **fields: Any) -> list[Any]:
        """Wait for commands."""
        await eventually(lambda: len(self.of(kind, **fields)) >= count)
        return self.of(kind, **fields)


class FakeHistory:
    """A history of events as api keeps it.

    Attributes:
        epoch: of it.
        entries: in their order, without a hole.
        oldest: number of the first one that is still given.
        down: while True, it is not given.
        read: how often it was.
        gate: while it is not set, answers wait.
    """

    def __init__(self) -> None:
        self.begin_anew()
        self.down = False
        self.read = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def begin_anew(self) -> None:
        """Lose everything."""
        self.epoch, self.oldest = uuid4(), 1
        self.entries: list[Entry] = []

    def add(self, *envelopes: Envelope) -> None:
        for each in envelopes:
            self.entries.append(Entry(number=len(self.entries) + 1, envelope=each))

    @property
    def end(self) -> str:
        """The offset of somebody who has read all."""
        return str(Offset(self.epoch, len(self.entries)))

    def page(self, after: int | None, limit: int, collaborations: Collection[int] | None) -> HistoryPage:
        self.read += 1
        newest = len(self.entries)
        found = [
            entry
            for entry in self.entries
            if entry.number > (newest if after is None else after)
            and entry.number >= self.oldest
            and (collaborations is None or entry.envelope.collaboration_id in collaborations)
        ][:limit]
        return HistoryPage(
            epoch=self.epoch,
            oldest=self.oldest,
            newest=newest,
            reached=found[-1].number if len(found) == limit else newest,
            entries=found,
        )


class FakeApi:
    """Answers what relay asks of api.

    Attributes:
        collaborations: the organizations of each.
        asked: for which organizations it was asked.
        history: of events.
    """

    def __init__(self, auth: FakeAuth) -> None:
        self.collaborations: dict[int, list[int]] = {}
        self.asked: list[int] = []
        self.down = False
        self.history = FakeHistory()
        self.asgi = make_app(title="fake api", description=__doc__ or "")
        Gate(TokenVerifier(auth), PrincipalCache(auth)).install(self.asgi)

        @self.asgi.get("/internal/organizations/{organization_id}", dependencies=[Depends(Peer(RELAY))])
        async def organization(organization_id: int) -> JsonResponse:
            self.asked.append(organization_id)
            if self.down:
                raise UnavailableError("The database is not available at the moment")
            mine = [
                {"id": each, "organization_ids": members, "revision": 1}
                for each, members in self.collaborations.items()
                if organization_id in members
            ]
            if not mine:
                raise NotFoundError("There is no such organization")
            return JsonResponse({"id": organization_id, "name": "", "collaborations": mine})

        @self.asgi.get("/internal/events", dependencies=[Depends(Peer(RELAY))])
        async def events(
            limit: int, after: int | None = None, collaboration_id: Annotated[list[int] | None, Query()] = None
        ) -> JsonResponse:
            page = self.history.page(after, limit, collaboration_id)
            await self.history.gate.wait()
            if self.history.down:
                raise UnavailableError("The database is not available at the moment")
            return JsonResponse(page.model_dump(mode="json"))


class Ear:
    """A client of the event channel that remembers what it heard."""

    def __init__(self, url: str, client: socketio.AsyncClient) -> None:
        self._url = url
        self.client = client
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.left: list[str] = []
        client.on("*", self._hear, namespace=NAMESPACE)
        client.on("disconnect", self._leave, namespace=NAMESPACE)

    def _hear(self, event: str, *arguments: Any) -> None:
        self.heard.append((event, arguments))

    def _leave(self, reason: str) -> None:
        self.left.append(reason)

    async def connect(
        self,
        token: str | None,
        *,
        transports: Sequence[str] | None = None,
        auth: Any = None,
        query: str = "",
        namespaces: Sequence[str] = (NAMESPACE,),
    ) -> Self:
        await self.client.connect(
            f"{self._url}?{query}" if query else self._url,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            transports=list(transports) if transports else None,
            auth=auth,
            namespaces=list(namespaces),
            wait_timeout=PATIENCE,
        )
        return self

    def of(self, event: str) -> list[Any]:
        """The first arguments (or None) of all events of this name so far."""
        return [arguments[0] if arguments else None for name, arguments in self.heard if name == event]

    async def until(self, event: str, count: int = 1) -> list[Any]:
        """Wait for events."""
        await eventually(lambda: len(self.of(event)) >= count)
        return self.of(event)

    async def until_payload(self, event: str, payload: Any) -> None:
        """Wait for an event with this payload."""
        await eventually(lambda: payload in self.of(event))

    async def until_payload_with(self, event: str, **fields: Any) -> None:
        """Wait for an event whose payload has these fields."""
        await eventually(lambda: matching(self.of(event), **fields))

    async def say(self, event: str, *payload: Any) -> None:
        await self.client.emit(event, payload or None, namespace=NAMESPACE)

    async def settle(self) -> None:
        """Wait until relay has taken in all that was said."""
        await self.client.call("ping", namespace=NAMESPACE)


class Session:
    """A session of Engine.IO over long polling, written out packet by packet.

    Attributes:
        opened: what the server said at its beginning.
        got: the payloads of all packets that came, without Engine.IO's mark of a message.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.opened: dict[str, Any] = {}
        self.got: list[str] = []

    async def open(self) -> None:
        """Begin."""
        answer = await self._client.get(_POLL)
        self.opened = orjson.loads(answer.raise_for_status().text[1:])

    async def enter(self) -> None:
        """Enter the namespace."""
        await self.post(f"40{NAMESPACE},")

    async def post(self, *packets: str, check: bool = True) -> httpx2.Response:
        """Send packets in one batch."""
        return await self.post_raw("\x1e".join(packets).encode(), check=check)

    async def post_raw(self, body: bytes, *, check: bool = True) -> httpx2.Response:
        """Send what may be no packets at all."""
        answer = await self._client.post(_POLL, params={"sid": self.opened["sid"]}, content=body)
        return answer.raise_for_status() if check else answer

    async def get(self, *, check: bool = True) -> httpx2.Response:
        """Fetch what there is, or wait for something."""
        answer = await self._client.get(_POLL, params={"sid": self.opened["sid"]})
        if answer.is_success:
            self.got += [packet.removeprefix("4") for packet in answer.text.split("\x1e")]
        return answer.raise_for_status() if check else answer

    async def until(self, packet: str, *, start: bool = False) -> str:
        """Fetch until a packet came, or one that starts so."""
        packet = packet.removeprefix("4")
        async with asyncio.timeout(PATIENCE):
            while True:
                for each in self.got:
                    if each == packet or (start and each.startswith(packet)):
                        return each
                await self.get()


@dataclass
class Relay:
    """A relay that serves."""

    url: str
    service: Service
    server: Server
    exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    @asynccontextmanager
    async def session(self, token: str | None) -> AsyncIterator[Session]:
        """Begin a session by hand. Nobody answers its pings."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE) as client:
            session = Session(client)
            await session.open()
            yield session

    async def until_identified(self, count: int) -> None:
        """Wait until so many connections are known and seated."""
        await eventually(lambda: sum(self.connections(kind) for kind in ("node", "user")) >= count)

    def connections(self, kind: str) -> float:
        """How many connections of a kind there are, as Prometheus is told."""
        return REGISTRY.get_sample_value("sextant_relay_connections", {"kind": kind}) or 0

    def ear(self, *, reconnection: bool = False) -> Ear:
        """Make a client, which leaves when this relay ends at the latest."""
        # a session of our own: the library loses its own now and then when it reconnects
        http = aiohttp.ClientSession()
        client = socketio.AsyncClient(reconnection=reconnection, reconnection_delay=0.1, http_session=http)
        self.exits.push_async_callback(http.close)
        self.exits.push_async_callback(client.shutdown)
        return Ear(self.url, client)


async def _run(task: Callable[[], Awaitable[None]]) -> None:
    await task()


@asynccontextmanager
async def serving(
    service: Service, settings: RelaySettings, *more_tasks: Callable[[], Awaitable[None]]
) -> AsyncIterator[Relay]:
    """Serve a relay on a free port, as its process would."""
    server = Server(uvicorn_config(service.asgi, settings, port=0, timeout_graceful_shutdown=2))
    async with AsyncExitStack() as exits:
        jobs = [asyncio.create_task(_run(task)) for task in (*more_tasks, *service.tasks)]
        serving_job = asyncio.create_task(server.serve())
        try:
            await eventually(lambda: server.started)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Relay(f"http://127.0.0.1:{port}", service, server, exits)
        finally:
            await exits.aclose()
            server.should_exit = True
            await serving_job
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            for close in service.close:
                await close()


class Stage:
    """Relay's neighbours: auth, api, a bus."""

    def __init__(self) -> None:
        self.auth = FakeAuth()
        self.api = FakeApi(self.auth)
        self.network: InProcessNetwork = self.auth.network()
        self.network.register(API, self.api.asgi)
        self.bus = Switchable(InProcessBus(retry_seconds=0.01))
        self.commands = Commands()
        self.bus.consume(API_COMMANDS, self.commands)

    async def publish(self, *contents: Content) -> None:
        """Record facts, and tell them."""
        envelopes = [envelope(content) for content in contents]
        self.api.history.add(*envelopes)
        await self.bus.publish(envelopes)

    def record(self, *contents: Content) -> None:
        """Record facts of which the broker brings no word."""
        self.api.history.add(*(envelope(content) for content in contents))

    async def gap(self) -> None:
        """Let relays know that they may have missed something."""
        for on_gap in self.bus.gaps:
            await on_gap()

    def node(self, node_id: int, *, organization_id: int, collaboration_id: int) -> Principal:
        members = self.api.collaborations.setdefault(collaboration_id, [])
        if organization_id not in members:
            members.append(organization_id)
        return self.auth.add_node(node_id, organization_id=organization_id, collaboration_id=collaboration_id)

    @asynccontextmanager
    async def relay(self, **changes: Any) -> AsyncIterator[Relay]:
        settings = RelaySettings.model_validate(QUICK | changes)
        service = create_service(settings, bus=self.bus, network=self.network)
        async with serving(service, settings, self.bus.run) as relay:
            yield relay


def matching(items: Sequence[Mapping[str, Any]], **fields: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if all(item.get(name) == value for name, value in fields.items())]
