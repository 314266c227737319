"""api and auth on databases in which there are many rows of everything, and callers of every scope."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import insert

from services.api.tests.kit import Api
from services.auth.tests.kit import KEY_SECRET, ROOT_PASSWORD, Auth, running
from sextant_api import models as api_models
from sextant_api.schema import prepare as prepare_api
from sextant_auth import models as auth_models
from sextant_auth.schema import prepare as prepare_auth
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.db import Database

from .crowd import ORGANIZATION, USER, Rows, Size, rows_of_api, rows_of_auth
from .plans import Planner
from .routes import ListRoute

if TYPE_CHECKING:
    from sextant_shared.testing.postgres import PostgresServer

MANY = Size(collaborations=2000, users=20_000)
"""20,000 tasks and 40,000 runs."""
SOME = Size(collaborations=160, users=320)

CALLERS: Mapping[str, frozenset[Scope]] = {
    "global": frozenset({Scope.GLOBAL}),
    "collaboration": frozenset({Scope.COLLABORATION}),
    "organization": frozenset({Scope.ORGANIZATION}),
    "own": frozenset({Scope.OWN}),
    "all but global": frozenset({Scope.COLLABORATION, Scope.ORGANIZATION, Scope.OWN}),
}
"""By the scopes with which they may see everything; all are of the same organization."""


class Lists:
    """Both services, with callers and a look at what they ask their databases."""

    def __init__(self, api: Api, auth: Auth) -> None:
        self.api = api
        self.auth = auth
        self._tokens: dict[tuple[str, str], str] = {}
        self._planners: dict[str, Planner] = {}

    def db(self, service: str) -> Database:
        """The database of a service."""
        return self.api.db if service == "api" else self.auth.db

    async def planner(self, service: str) -> Planner:
        """Who tells how the database of a service goes about things."""
        if service not in self._planners:
            self._planners[service] = await Planner.of(self.db(service))
        return self._planners[service]

    async def make_callers(self) -> None:
        """Make a caller for each scope, and the user that the examples speak of."""
        for name, scopes in CALLERS.items():
            rules = _views(scopes)
            user = self.api.auth.add_user(organization_id=ORGANIZATION, rules=rules, name=name)
            self._tokens["api", name] = self.api.auth.token(user)
            known = [rule for rule in rules if rule.startswith(("user:", "role:")) and ":OWN:" not in rule]
            await self.auth.add_user(name, organization_id=ORGANIZATION, rules=known)
            self._tokens["auth", name] = await self.auth.token_of(name)
        while self.api.auth.add_user(organization_id=ORGANIZATION).id < USER:
            pass

    def token(self, service: str, caller: str) -> str:
        """With which a caller comes to a service."""
        return self._tokens[service, caller]

    async def get(self, route: ListRoute, caller: str, params: Mapping[str, Any]) -> httpx2.Response:
        """Ask for a list."""
        kit = self.api if route.service == "api" else self.auth
        return await kit.call("GET", route.path, self.token(route.service, caller), params=params)


def _views(scopes: frozenset[Scope]) -> list[str]:
    return [f"{resource}:{scope}:{Operation.VIEW}" for resource in Resource for scope in sorted(scopes)]


async def _fill(db: Database, rows: Rows) -> None:
    async with db.engine.begin() as connection:
        if db.dialect == "postgresql":
            # what refers to what is right by construction
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table, values in rows:
            await connection.execute(insert(table), list(values))
    async with db.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.exec_driver_sql("VACUUM ANALYZE" if db.dialect == "postgresql" else "ANALYZE")


async def _prepare(api_url: str, auth_url: str, size: Size) -> None:
    async with Database(api_url, source="api", outbox=api_models.outbox) as db:
        await prepare_api(db)
        await _fill(db, rows_of_api(size))
    async with Database(auth_url, source="auth", outbox=auth_models.outbox) as db:
        await prepare_auth(db, key_encryption_secret=KEY_SECRET, root_password=SecretStr(ROOT_PASSWORD))
        await _fill(db, rows_of_auth(size))


@asynccontextmanager
async def _running(api_url: str, auth_url: str, size: Size) -> AsyncIterator[Lists]:
    await _prepare(api_url, auth_url, size)
    api = Api(api_url)
    async with running(auth_url) as auth:
        lists = Lists(api, auth)
        await lists.make_callers()
        yield lists
    await api.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def many(postgres: "PostgresServer") -> AsyncIterator[Lists]:
    """On PostgreSQL, with so much in the tables that it does not read them whole for a few rows."""
    urls = [postgres.create_database(f"lists_{name}") for name in ("api", "auth")]
    async with _running(*urls, MANY) as lists:
        yield lists


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def some(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lists]:
    """On SQLite, with more than a page of everything."""
    folder = tmp_path_factory.mktemp("lists")
    urls = [f"sqlite+aiosqlite:///{folder / name}.db" for name in ("api", "auth")]
    async with _running(*urls, SOME) as lists:
        yield lists
