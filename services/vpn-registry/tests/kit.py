"""vpn-registry as its tests see it: on a database of either kind, with stand-ins for auth and api."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
from fastapi import Depends, Request
from sqlalchemy import Connection, Row, event, select, update

from sextant_shared.clock import SystemClock
from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.events import PortsChanged, RunStatusChanged
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.contract.routing import API, AUTH, VPN_REGISTRY
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db import Database
from sextant_shared.http.access import Gate, Peer
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.peers import InProcessNetwork
from sextant_shared.http.service import Service, make_app
from sextant_shared.ids import new_id
from sextant_shared.messaging import InProcessBus
from sextant_shared.security import JwksClient, Principal, PrincipalCache, TokenVerifier
from sextant_shared.testing.fakes import FakeAuth, bearer
from sextant_vpn_registry.app import create_service
from sextant_vpn_registry.dependencies import Collaborators
from sextant_vpn_registry.knowledge.reconciler import Reconciler
from sextant_vpn_registry.models import outbox, ports, runs
from sextant_vpn_registry.settings import VpnRegistrySettings

COLLABORATION = 2
IMAGE = "registry.example/average:1"


@dataclass
class FakeApi:
    """api's internal routes, as far as vpn-registry asks.

    Attributes:
        runs: by id, without what belongs to the node.
        addresses: of nodes.
        online: the nodes that are connected.
        parents: of tasks.
        told: what the registry said directly.
        asked: the runs that it asked about.
        down: answer nothing but 503.
    """

    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    addresses: dict[int, str | None] = field(default_factory=dict)
    online: set[int] = field(default_factory=set)
    parents: dict[int, int | None] = field(default_factory=dict)
    told: dict[int, PortsChanged] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    down: bool = False

    def make(self, network: InProcessNetwork) -> None:
        """Become reachable; tokens are verified with auth's keys."""
        app = make_app(title="fake api", description="")
        http = httpx2.AsyncClient(base_url=network.address(AUTH), transport=network.transport(AUTH))
        Gate(TokenVerifier(JwksClient(http)), PrincipalCache(FakeAuth())).install(app)
        registry = Depends(Peer(VPN_REGISTRY))

        def up() -> None:
            if self.down:
                raise UnavailableError("down")

        @app.get("/internal/runs", dependencies=[registry])
        async def list_runs(request: Request) -> JsonResponse:
            up()
            ids = [int(run_id) for run_id in request.query_params.getlist("id")]
            self.asked += ids
            return JsonResponse({"runs": [self.standing(run_id) for run_id in ids if run_id in self.runs]})

        @app.get("/internal/runs/{run_id}", dependencies=[registry])
        async def get_run(run_id: int) -> JsonResponse:
            up()
            self.asked.append(run_id)
            if run_id not in self.runs:
                raise NotFoundError("no such run")
            return JsonResponse(self.standing(run_id))

        @app.put("/internal/runs/{run_id}/ports", dependencies=[registry])
        async def put_ports(run_id: int, change: PortsChanged) -> JsonResponse:
            up()
            self.told[run_id] = change
            return JsonResponse({})

        @app.get("/internal/tasks/{task_id}/parent", dependencies=[registry])
        async def get_parent(task_id: int) -> JsonResponse:
            up()
            if task_id not in self.parents:
                raise NotFoundError("no such task")
            return JsonResponse({"id": task_id, "parent_id": self.parents[task_id]})

        network.register(API, app)

    def standing(self, run_id: int) -> dict[str, Any]:
        """What is answered about a run."""
        run = self.runs[run_id]
        told = self.told.get(run_id)
        return {
            **run,
            "node_ip": self.addresses.get(run["node_id"]),
            "node_status": None if run["node_id"] is None else "online" if run["node_id"] in self.online else "offline",
            "ports_revision": told.revision if told else 0,
        }


class Registry:
    """A service and everything around it.

    Node N belongs to organization N * 10; what is made here is known to auth and api.
    """

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.auth = FakeAuth()
        self.api = FakeApi()
        self.bus = InProcessBus(retry_seconds=0)
        network = self.auth.network()
        self.api.make(network)
        self.service: Service = create_service(
            VpnRegistrySettings(
                # patient: what tests are about is not how much a machine can do at once
                database_url=database_url,
                client_secret="secret",
                database_acquire_seconds=30,
                **settings,
            ),
            bus=self.bus,
            network=network,
        )
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.service.asgi, raise_app_exceptions=False),
            base_url="http://vpn-registry",
        )
        found: Collaborators = self.service.app.state.collaborators
        self.db: Database = found.db
        self.reconciler = Reconciler(found.db, found.knowledge, seconds=0, run_days=0)

    async def close(self) -> None:
        """Close all connections."""
        await self.http.aclose()
        for close in self.service.close:
            await close()

    def node(self, node_id: int, *, ip: str | None = None, is_online: bool = False) -> Principal:
        """Make a node."""
        self.api.addresses[node_id] = ip
        if is_online:
            self.api.online.add(node_id)
        return self.known_node(node_id)

    def known_node(self, node_id: int) -> Principal:
        """A node, as auth knows it."""
        return self.auth.add_node(node_id, organization_id=node_id * 10, collaboration_id=COLLABORATION)

    def run(
        self,
        run_id: int,
        node: Principal,
        *,
        task_id: int = 1,
        parent_id: int | None = None,
        status: RunStatus = RunStatus.ACTIVE,
    ) -> int:
        """Make a run."""
        self.api.parents[task_id] = parent_id
        self.api.runs[run_id] = {
            "id": run_id,
            "task_id": task_id,
            "parent_id": parent_id,
            "organization_id": node.organization_id,
            "collaboration_id": COLLABORATION,
            "node_id": node.id,
            "status": status,
        }
        return run_id

    async def register(self, node: Principal, run_id: Any, port: Any = 5000, **body: Any) -> httpx2.Response:
        """Let a node register a port."""
        return await self.http.post(
            "/api/port", json={"port": port, "run_id": run_id, **body}, headers=bearer(self.auth.token(node))
        )

    async def registered(self, node: Principal, run_id: int, port: int = 5000, label: str | None = None) -> int:
        """Let a node register a port, and see that it is; returns its id."""
        answer = await self.register(node, run_id, port, label=label)
        assert answer.status_code == 201, answer.text
        port_id: int = answer.json()["id"]
        return port_id

    async def release(self, node: Principal, run_id: Any) -> httpx2.Response:
        """Let a node release the ports of a run."""
        return await self.http.delete("/api/port", params={"run_id": run_id}, headers=bearer(self.auth.token(node)))

    async def addresses(self, node: Principal, task_id: int = 1, **query: Any) -> httpx2.Response:
        """Let the container that a node runs for a task ask for addresses."""
        token = self.auth.container_token(node, task_id=task_id, image=IMAGE)
        return await self.http.get("/api/vpn/algorithm/addresses", params=query, headers=bearer(token))

    async def found(self, node: Principal, task_id: int = 1, **query: Any) -> list[tuple[str | None, int]]:
        """What it finds: address and port of each."""
        answer = await self.addresses(node, task_id, **query)
        assert answer.status_code == 200, answer.text
        return [(entry["ip"], entry["port"]) for entry in answer.json()["addresses"]]

    async def hear(self, content: Content, *, after_seconds: float = 1.0, times: int = 1) -> None:
        """Let an event of api arrive.

        Args:
            content: of the event.
            after_seconds: when it happened, from now; a moment later than all before, if not said otherwise.
            times: more than once to imitate redelivery.
        """
        time: datetime = SystemClock().now() + timedelta(seconds=after_seconds)
        envelope = content.enclosed(message_id=new_id(), source=API, time=time)
        for _ in range(times):
            await self.bus.publish([envelope])

    async def end(self, run_id: int, status: RunStatus = RunStatus.COMPLETED, *, is_told: bool = True) -> None:
        """End a run at api, which tells of it or does not."""
        run = self.api.runs[run_id]
        run["status"] = status
        if is_told:
            await self.hear(
                RunStatusChanged(
                    run_id=run_id,
                    task_id=run["task_id"],
                    job_id=1,
                    parent_id=run["parent_id"],
                    collaboration_id=COLLABORATION,
                    organization_id=run["organization_id"],
                    node_id=run["node_id"],
                    status=status,
                )
            )

    async def shown(self, run_id: int) -> list[int]:
        """The ports that a run shows."""
        async with self.db.read() as session:
            found = await session.execute(select(ports.c.port).where(ports.c.run_id == run_id).order_by(ports.c.id))
        return list(found.scalars())

    async def known_runs(self) -> Mapping[int, Row[Any]]:
        """What is known of runs."""
        async with self.db.read() as session:
            return {row.id: row for row in await session.execute(select(runs))}

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for what is known of runs."""
        by = timedelta(seconds=seconds)
        async with self.db.transaction() as tx:
            for row in (await tx.session.execute(select(runs))).all():
                await tx.session.execute(
                    update(runs)
                    .where(runs.c.id == row.id)
                    .values(
                        checked_at=row.checked_at - by, ended_at=None if row.ended_at is None else row.ended_at - by
                    )
                )

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements of a block."""
        statements: list[str] = []

        def note(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        engine = self.db.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def events(self) -> Sequence[PortsChanged]:
        """The facts that wait to be published, oldest first."""
        async with self.db.read() as session:
            rows = (await session.execute(select(outbox.c.envelope).order_by(outbox.c.id))).scalars().all()
        return [PortsChanged.opened(Envelope.model_validate(row)) for row in rows]
