"""auth as its tests see it: running on a database of either kind, with a stand-in for api and a bus in the process."""

import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import time_machine
from fastapi import Depends, Request
from pydantic import SecretStr
from sqlalchemy import Connection, Row, Table, event, select, update

from sextant_auth.app import create_service
from sextant_auth.catalogue import DEFAULT_ROLES, RULE_IDS
from sextant_auth.dependencies import AuthParts
from sextant_auth.directory import repository as directory
from sextant_auth.housekeeping import Housekeeping
from sextant_auth.mail.delivery import MailDelivery
from sextant_auth.mail.fake import FakeTransport
from sextant_auth.mail.port import Mail
from sextant_auth.models import audit_log, outbox, users
from sextant_auth.secret_box import SecretBox
from sextant_auth.settings import AuthSettings
from sextant_auth.users import repository
from sextant_shared.clock import SystemClock
from sextant_shared.contract.errors import BadRequestError, NotFoundError, PermissionDeniedError, UnavailableError
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.contract.permissions import Rule
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.db import Database
from sextant_shared.http.access import Gate, Peer
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.peers import InProcessNetwork
from sextant_shared.http.service import Service, make_app
from sextant_shared.ids import new_id
from sextant_shared.messaging import AUTH_EVENTS, InProcessBus
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.testing.fakes import FakeAuth, bearer

ROOT = "root"
ROOT_PASSWORD = "Root-Pass-1!"
PASSWORD = "Some-Pass-1!"
KEY_SECRET = SecretStr("key-encryption-secret")
SECRETS = {API: "api-secret", "relay": "relay+secret/with%signs="}


class MovableClock:
    """The machine's clock, moved on by what a test says, for everything in this process that tells calendar time."""

    def __init__(self) -> None:
        self._travel: time_machine.travel | None = None

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def move(self, **by: float) -> None:
        """Let time pass."""
        then = self.now() + timedelta(**by)
        self.stop()
        self._travel = time_machine.travel(then, tick=True)
        self._travel.start()

    def stop(self) -> None:
        """Come back."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = None


@dataclass
class Statements:
    """The SQL that was executed in a block."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


@dataclass
class FakeApi:
    """api's internal routes, as far as auth asks.

    Attributes:
        collaborations: the members of each.
        organizations: that exist.
        grants: what is answered for a task; an exception to be told, or the grant.
        asked: the organizations that auth asked for.
        tasks: how many tasks users have made.
        down: answer nothing but 503.
    """

    collaborations: dict[int, list[int]] = field(default_factory=dict)
    organizations: set[int] = field(default_factory=lambda: {1})
    grants: dict[int, Any] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    tasks: dict[int, int] = field(default_factory=dict)
    container_questions: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False

    def make(self, network: InProcessNetwork) -> None:
        """Become reachable; tokens are verified with auth's own keys."""
        app = make_app(title="fake api", description="")
        http = httpx2.AsyncClient(base_url=network.address(AUTH), transport=network.transport(AUTH))
        Gate(TokenVerifier(JwksClient(http)), PrincipalCache(FakeAuth())).install(app)

        @app.get("/internal/organizations/{organization_id}", dependencies=[Depends(Peer(AUTH))])
        async def organization(organization_id: int) -> JsonResponse:
            self.asked.append(organization_id)
            if self.down:
                raise UnavailableError("down")
            if organization_id not in self.organizations:
                raise NotFoundError("no such organization")
            collaborations = [
                {"id": id_, "organization_ids": members, "revision": 1}
                for id_, members in self.collaborations.items()
                if organization_id in members
            ]
            return JsonResponse({"id": organization_id, "name": "o", "collaborations": collaborations})

        @app.api_route("/internal/users/{user_id}/tasks", methods=["GET", "DELETE"], dependencies=[Depends(Peer(AUTH))])
        async def tasks_of_user(user_id: int, request: Request) -> JsonResponse:
            if self.down:
                raise UnavailableError("down")
            count = self.tasks.get(user_id, 0)
            if request.method == "DELETE":
                self.tasks.pop(user_id, None)
            return JsonResponse({"count": count})

        @app.get("/internal/tasks/{task_id}/container-grant", dependencies=[Depends(Peer(AUTH))])
        async def grant(task_id: int, node_id: int, image: str) -> JsonResponse:
            self.container_questions.append({"task_id": task_id, "node_id": node_id, "image": image})
            if self.down:
                raise UnavailableError("down")
            answer = self.grants.get(task_id, NotFoundError("no such task"))
            if isinstance(answer, Exception):
                raise answer
            return JsonResponse(answer)

        network.register(API, app)


FINISHED = BadRequestError("The task is finished")
WRONG_IMAGE = PermissionDeniedError("Not the image of this task")


class Auth:
    """A service and everything around it."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.clock = MovableClock()
        self.bus = InProcessBus(retry_seconds=0)
        self.api = FakeApi()
        self.settings = AuthSettings(
            database_url=database_url,
            service_secrets=SECRETS,
            key_encryption_secret=KEY_SECRET,
            api_key_pepper="api-key-pepper-of-tests",
            **settings,
        )
        network = InProcessNetwork()
        self.mail = FakeTransport()
        self.service: Service = create_service(
            self.settings, bus=self.bus, network=network, clock=self.clock, mail_transport=self.mail
        )
        network.register(AUTH, self.service.asgi)
        self.api.make(network)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.service.asgi, raise_app_exceptions=False), base_url="http://auth"
        )

    @property
    def parts(self) -> AuthParts:
        """What the service's routes work with."""
        found: AuthParts = self.service.app.state.parts
        return found

    @property
    def db(self) -> Database:
        """The service's own database."""
        return self.parts.db

    async def close(self) -> None:
        """Close all connections."""
        self.clock.stop()
        await self.http.aclose()
        for close in self.service.close:
            await close()

    async def call(
        self, method: str, path: str, token: str | None = None, *, json: Any = None, params: Any = None
    ) -> httpx2.Response:
        """Call a route with a token."""
        return await self.http.request(method, path, json=json, params=params, headers=bearer(token) if token else None)

    async def get(self, path: str, token: str | None = None, **params: Any) -> httpx2.Response:
        """GET a route, with a query."""
        return await self.call("GET", path, token, params=params)

    async def post(self, path: str, token: str | None = None, **body: Any) -> httpx2.Response:
        """POST a JSON object."""
        return await self.call("POST", path, token, json=body)

    async def patch(self, path: str, token: str | None = None, **body: Any) -> httpx2.Response:
        """PATCH with a JSON object."""
        return await self.call("PATCH", path, token, json=body)

    async def delete(self, path: str, token: str | None = None, **params: Any) -> httpx2.Response:
        """DELETE, with a query."""
        return await self.call("DELETE", path, token, params=params)

    async def log_in(self, username: str = ROOT, password: str | None = None) -> dict[str, Any]:
        """Log a user in; fails where that fails."""
        given = password or (ROOT_PASSWORD if username == ROOT else PASSWORD)
        answer = await self.post("/api/token/user", username=username, password=given)
        assert answer.status_code == 200, answer.text
        pair: dict[str, Any] = answer.json()
        return pair

    async def token_of(self, username: str = ROOT) -> str:
        """An access token of a user."""
        return str((await self.log_in(username))["access_token"])

    async def refresh(self, token: str) -> httpx2.Response:
        """Show a refresh token."""
        return await self.post("/api/token/refresh", token)

    async def service_token(self, name: str = API) -> str:
        """A token of one of the other services."""
        answer = await self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(name, SECRETS[name])
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def add_node(
        self, node_id: int = 7, *, organization_id: int = 1, collaboration_id: int = 1, name: str = "node"
    ) -> str:
        """Give a node a key, as api does; returns it."""
        answer = await self.call(
            "PUT",
            f"/internal/nodes/{node_id}/credential",
            await self.service_token(),
            json={"organization_id": organization_id, "collaboration_id": collaboration_id, "name": name},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["api_key"])

    async def log_in_node(self, api_key: str) -> dict[str, Any]:
        """Log a node in; fails where that fails."""
        answer = await self.post("/api/token/node", api_key=api_key)
        assert answer.status_code == 200, answer.text
        pair: dict[str, Any] = answer.json()
        return pair

    async def add_user(
        self,
        username: str,
        *,
        organization_id: int = 1,
        roles: Sequence[str] = (),
        rules: Sequence[str] = (),
    ) -> int:
        """Make a user with default roles and single rules (`resource:SCOPE:OPERATION`), straight into the tables."""
        async with self.db.transaction() as tx:
            await directory.note_organization(tx.session, organization_id)
            row = await repository.add(
                tx.session,
                {
                    "username": username,
                    "email": f"{username}@users.test",
                    "firstname": username,
                    "organization_id": organization_id,
                    "password_hash": await _hash_of(self, PASSWORD),
                },
            )
            await repository.give(
                tx.session,
                row.id,
                roles=[role.id for role in DEFAULT_ROLES if role.name in roles],
                rules=[RULE_IDS[Rule.parse(rule)] for rule in rules],
            )
        self.api.organizations.add(organization_id)
        return int(row.id)

    async def add_collaboration(self, collaboration_id: int, *organization_ids: int) -> None:
        """Let auth know of a collaboration."""
        async with self.db.transaction() as tx:
            await directory.note_members(tx.session, collaboration_id, organization_ids, 1)
        self.api.collaborations[collaboration_id] = list(organization_ids)
        self.api.organizations.update(organization_ids)

    async def tell(self, content: Content, *, message_id: Any = None, moved: timedelta = timedelta()) -> None:
        """Publish a fact, as api does."""
        time = SystemClock().now() + moved
        envelope = content.enclosed(message_id=message_id or new_id(), source=API, time=time)
        await self.bus.publish([envelope])

    async def parked(self) -> int:
        """Count the messages that the service gave up on."""
        return await self.bus.parked(AUTH_EVENTS)

    async def events(self) -> list[Envelope]:
        """The facts that wait to be published, oldest first."""
        async with self.db.read() as session:
            rows = (await session.execute(select(outbox.c.envelope).order_by(outbox.c.id))).scalars().all()
        return [Envelope.model_validate(row) for row in rows]

    async def audit(self, *actions: str) -> list[Row[Any]]:
        """The audit log, oldest first; of all actions or of these."""
        async with self.db.read() as session:
            rows = (await session.execute(select(audit_log).order_by(audit_log.c.id))).all()
        return [row for row in rows if not actions or row.action in actions]

    async def set_user(self, username: str, /, **values: Any) -> None:
        """Change a user's row behind the service's back."""
        async with self.db.transaction() as tx:
            await tx.session.execute(
                update(users).where(users.c.username_folded == username.casefold()).values(**values)
            )

    async def rows(self, table: Table) -> list[Row[Any]]:
        """All rows of a table."""
        async with self.db.read() as session:
            return list((await session.execute(select(table))).all())

    async def clean(self) -> None:
        """Let the housekeeping do its round."""
        await Housekeeping(self.db, self.clock).clean()

    def delivery(self) -> MailDelivery:
        """What a replica delivers mails with."""
        return MailDelivery(self.db, self.mail, SecretBox(KEY_SECRET), self.clock)

    async def mails(self, *subjects: str) -> list[Mail]:
        """Deliver what waits; returns all mails so far, oldest first, or those whose subject ends like one of these."""
        while await self.delivery().deliver_one():
            pass
        return [mail for mail in self.mail.sent if not subjects or mail.subject.endswith(subjects)]

    async def mailed_token(self, subject: str) -> str:
        """The token in the newest mail of a subject."""
        mails = await self.mails(subject)
        return next(line for line in mails[-1].text.splitlines() if line.startswith(("password_", "2fa_")))

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


@asynccontextmanager
async def running(database_url: str, **settings: Any) -> AsyncIterator[Auth]:
    """Run auth, without its periodic tasks."""
    auth = Auth(database_url, **settings)
    try:
        yield auth
    finally:
        await auth.close()


def claims_of(token: str) -> dict[str, Any]:
    """Read a token as vantage6's programs do: without verifying it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


_hashes: dict[str, str] = {}


async def _hash_of(auth: Auth, password: str) -> str:
    # hashing is slow on purpose; one hash does for all users of the tests
    if password not in _hashes:
        _hashes[password] = await auth.parts.hasher.hash(password)
    return _hashes[password]
