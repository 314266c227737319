"""api as its tests see it: running on a database of either kind, with a stand-in for auth and a bus in the process.

Things that a test only needs to be there are written straight into the tables; what it is about goes over HTTP.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from sqlalchemy import Connection, Table, event, func, select

from sextant_api.app import create_service
from sextant_api.dependencies import Collaborators
from sextant_api.models import (
    collaborations,
    memberships,
    metadata,
    nodes,
    organizations,
    outbox,
    studies,
    study_members,
)
from sextant_api.settings import ApiSettings
from sextant_shared.clock import SystemClock
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.db import Database, UtcDateTime
from sextant_shared.http.service import Service
from sextant_shared.ids import new_id
from sextant_shared.messaging import API_COMMANDS, InProcessBus
from sextant_shared.security import Principal
from sextant_shared.testing.fakes import FakeAuth, bearer

ROOT_ORGANIZATION = 1


@dataclass
class Statements:
    """The SQL that was executed in a block."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


class Api:
    """A service and everything around it."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.auth = FakeAuth()
        self.bus = InProcessBus(retry_seconds=0)
        self.settings = ApiSettings(database_url=database_url, client_secret="api-secret", **settings)
        self.service: Service = create_service(self.settings, bus=self.bus, network=self.auth.network())
        self.root = self.auth.add_user(organization_id=ROOT_ORGANIZATION, role="Root", name="root")
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.service.asgi, raise_app_exceptions=False), base_url="http://api"
        )

    @property
    def collaborators(self) -> Collaborators:
        """What the service's parts work with."""
        found: Collaborators = self.service.app.state.collaborators
        return found

    @property
    def db(self) -> Database:
        """The service's own database."""
        return self.collaborators.db

    async def close(self) -> None:
        """Close all connections."""
        await self.http.aclose()
        for close in self.service.close:
            await close()

    async def call(
        self,
        method: str,
        path: str,
        caller: Principal | str | None = None,
        *,
        json: Any = None,
        params: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Call a route as a principal, or with a token."""
        token = self.auth.token(caller) if isinstance(caller, Principal) else caller
        all_headers = {**(bearer(token) if token else {}), **(headers or {})}
        return await self.http.request(method, path, json=json, params=params, headers=all_headers)

    async def get(self, path: str, caller: Principal | str | None = None, **params: Any) -> httpx2.Response:
        """GET a route, with a query."""
        return await self.call("GET", path, caller, params=params)

    async def post(self, path: str, caller: Principal | str | None = None, **body: Any) -> httpx2.Response:
        """POST a JSON object."""
        return await self.call("POST", path, caller, json=body)

    async def patch(self, path: str, caller: Principal | str | None = None, **body: Any) -> httpx2.Response:
        """PATCH with a JSON object."""
        return await self.call("PATCH", path, caller, json=body)

    async def delete(self, path: str, caller: Principal | str | None = None, **body: Any) -> httpx2.Response:
        """DELETE, with a JSON object if there is anything in it."""
        return await self.call("DELETE", path, caller, json=body or None)

    async def send(self, content: Content, *, message_id: Any = None, times: int = 1) -> None:
        """Send a command, as relay does; more than once to imitate redelivery."""
        envelope = content.enclosed(message_id=message_id or new_id(), source="relay", time=SystemClock().now())
        for _ in range(times):
            await self.bus.send(API_COMMANDS, envelope)

    async def parked(self) -> int:
        """Count the commands that the service gave up on."""
        return await self.bus.parked(API_COMMANDS)

    async def events(self, *types: type[Content]) -> list[Envelope]:
        """The facts that wait to be published, oldest first; of all types or of these."""
        async with self.db.read() as session:
            rows = (await session.execute(select(outbox.c.envelope).order_by(outbox.c.id))).scalars().all()
        wanted = {content.type for content in types}
        envelopes = [Envelope.model_validate(row) for row in rows]
        return [envelope for envelope in envelopes if not wanted or envelope.type in wanted]

    async def forget_events(self) -> None:
        """Empty the outbox, so that a test sees only what follows."""
        async with self.db.transaction() as tx:
            await tx.session.execute(outbox.delete())

    @contextmanager
    def counting(self) -> Iterator[Statements]:
        """Count the statements of a block."""
        statements = Statements()

        def note(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
                statements.texts.append(statement)

        engine = self.db.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def count(self, table: Table) -> int:
        """Count a table's rows."""
        async with self.db.read() as session:
            return (await session.execute(select(func.count()).select_from(table))).scalar_one()

    async def add_organization(self, name: str, **values: Any) -> int:
        """Write an organization."""
        return await self._insert(organizations, name=name, **values)

    async def add_collaboration(self, name: str, members: Sequence[int], *, encrypted: bool = False) -> int:
        """Write a collaboration with its members, who join in this order."""
        collaboration_id = await self._insert(collaborations, name=name, encrypted=encrypted)
        for place, organization_id in enumerate(members, 1):
            await self._write(
                memberships, collaboration_id=collaboration_id, organization_id=organization_id, place=place
            )
        return collaboration_id

    async def add_study(self, name: str, collaboration_id: int, members: Sequence[int]) -> int:
        """Write a study with its members, who join in this order."""
        study_id = await self._insert(studies, name=name, collaboration_id=collaboration_id)
        for place, organization_id in enumerate(members, 1):
            await self._write(
                study_members,
                study_id=study_id,
                collaboration_id=collaboration_id,
                organization_id=organization_id,
                place=place,
            )
        return study_id

    async def add_node(self, organization_id: int, collaboration_id: int, **values: Any) -> Principal:
        """Write a node, and let auth know it."""
        name = values.pop("name", f"node-{organization_id}-{collaboration_id}")
        node_id = await self._insert(
            nodes, name=name, organization_id=organization_id, collaboration_id=collaboration_id, **values
        )
        return self.auth.add_node(
            node_id, organization_id=organization_id, collaboration_id=collaboration_id, name=name
        )

    async def pass_time(self, seconds: float) -> None:
        """Let time pass: every instant in the database moves into the past by so much."""
        async with self.db.transaction() as tx:
            for table in metadata.sorted_tables:
                instants = [column for column in table.c if isinstance(column.type, UtcDateTime)]
                keys = list(table.primary_key.columns)
                for row in (await tx.session.execute(select(*keys, *instants))).all() if instants else ():
                    stored = dict(zip(instants, row[len(keys) :], strict=True))
                    earlier = {
                        column.name: moment - timedelta(seconds=seconds)
                        for column, moment in stored.items()
                        if moment is not None
                    }
                    if earlier:
                        where = [key == value for key, value in zip(keys, row, strict=False)]
                        await tx.session.execute(table.update().where(*where).values(**earlier))

    async def _insert(self, table: Table, **values: Any) -> int:
        async with self.db.transaction() as tx:
            made: int = (await tx.session.execute(table.insert().values(**values).returning(table.c.id))).scalar_one()
            return made

    async def _write(self, table: Table, **values: Any) -> None:
        async with self.db.transaction() as tx:
            await tx.session.execute(table.insert().values(**values))
