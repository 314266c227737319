"""Makes the scene on a server, as an administrator and nodes would, and lends everybody a token.

Owns the ids and tokens. What there is stands in `scene`; what may be done with it is not known here.
"""

import base64
import re
import time
from collections.abc import Sequence
from typing import Any, Protocol

from joserfc.jwk import ECKey
from starlette.types import ASGIApp

from sextant_shared.contract.claims import ClientType, TokenUse
from sextant_shared.contract.routing import API
from tests.contract.outside import Stores
from tests.contract.server import Answer

from . import scene
from .scene import Actor
from .tokens import Signer, signed, unsigned

IMAGE = "registry.test/algorithm:1"
INPUT = base64.b64encode(b'{"method": "x", "args": [], "kwargs": {}}').decode()
RESULT = "cmVzdWx0"
NOTHING = 987654
"""An id that nothing has."""

_PLACE = re.compile(r"(?<==)@([^&]+)")
_PASSWORD = "Correct-horse-7"


class Asked(Protocol):
    """A server, however it is asked."""

    base: str
    """Where it is, as others see it."""

    async def request(
        self, method: str, path: str, *, token: str | None, body: Any = None, app: ASGIApp | None = None
    ) -> Answer:
        """Ask as whoever has this token; one service directly, if it is given."""
        ...

    async def changes(self) -> frozenset[str]:
        """Name the tables that are not as they were."""
        ...

    async def restore(self, names: frozenset[str]) -> None:
        """Return tables to what they were."""
        ...


class World:
    """What there is on one server.

    Args:
        server: on which only root exists.
        stores: outside; each is at an address of its own.
        root_password: of root.
        signer: signs tokens as the server does; without one everybody logs in, and some strangers are missing.
        people: whoever asks; everybody who has an account, if not said otherwise.
    """

    def __init__(
        self,
        server: Asked,
        stores: Stores,
        *,
        root_password: str,
        signer: Signer | None = None,
        people: Sequence[Actor] | None = None,
    ) -> None:
        self.server = server
        self._stores = stores
        self._root_password = root_password
        self._signer = signer
        self._callers = scene.users() if people is None else people
        self.ids: dict[str, int] = {"organization:root": 1, "user:root": 1}
        self.keys: dict[str, str] = {}
        self.tokens: dict[str, str | None] = {}

    def fill(self, value: Any) -> Any:
        """Put ids into the places of symbols, which begin with `@`."""
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.ids[value[1:]]
        if isinstance(value, str):
            return value.replace("{stores}", self._stores.url).replace("{base}", self.server.base)
        return value

    def fill_query(self, query: str) -> str:
        """Put ids into the places of symbols in a query."""
        return _PLACE.sub(lambda found: str(self.ids[found[1]]), query).replace(" ", "%20")

    async def ask(self, actor: str, method: str, path: str, body: Any = None) -> Answer:
        """Ask as somebody."""
        return await self.server.request(method, f"/api{path}", token=self.tokens[actor], body=self.fill(body))

    async def make(self, actor: str, method: str, path: str, body: Any = None) -> Any:
        """Make a request that has to succeed; returns the body.

        Raises:
            AssertionError: it does not.
        """
        answer = await self.ask(actor, method, path, body)
        if not 200 <= answer.status < 300:
            raise AssertionError(f"{actor}: {method} {path} {body} -> {answer.status} {answer.content[:300]!r}")
        return answer.body

    async def build(self) -> None:
        """Make everything."""
        made = await self._log_in("/token/user", {"username": "root", "password": self._root_password})
        self.tokens["root"] = made["access_token"]
        await self._name_catalogue()
        await self._structure()
        await self._people()
        await self._work()
        await self._strangers(made["refresh_token"])

    async def _log_in(self, path: str, body: Any) -> Any:
        self.tokens.setdefault("anonymous", None)
        return await self.make("anonymous", "POST", path, body)

    async def _create(self, symbol: str, path: str, body: Any, actor: str = "root") -> Any:
        made = await self.make(actor, "POST", path, body)
        self.ids[symbol] = made["id"]
        return made

    async def _name_catalogue(self) -> None:
        rules = await self.make("root", "GET", "/rule?no_pagination=1")
        self.ids |= {f"rule:{rule['name']}:{rule['scope']}:{rule['operation']}": rule["id"] for rule in rules["data"]}
        roles = await self.make("root", "GET", "/role?per_page=100")
        self.ids |= {f"role:{role['name']}": role["id"] for role in roles["data"]}

    async def _structure(self) -> None:
        for name in scene.ORGANIZATIONS:
            await self._create(f"organization:{name}", "/organization", {"name": f"organization {name}"})
        for name, members in scene.COLLABORATIONS.items():
            body = {"name": name, "organization_ids": [f"@organization:{one}" for one in members], "encrypted": False}
            await self._create(f"collaboration:{name}", "/collaboration", body)
        for name, (collaboration, members) in scene.STUDIES.items():
            body = {
                "name": name,
                "collaboration_id": f"@collaboration:{collaboration}",
                "organization_ids": [f"@organization:{one}" for one in members],
            }
            await self._create(f"study:{name}", "/study", body)
        for name, (organization, collaboration) in scene.NODES.items():
            body = {
                "name": name,
                "organization_id": f"@organization:{organization}",
                "collaboration_id": f"@collaboration:{collaboration}",
            }
            key = (await self._create(f"node:{name}", "/node", body))["api_key"]
            self.tokens[f"node {name}"] = (await self._log_in("/token/node", {"api_key": key}))["access_token"]
        for name, of in scene.STORES.items():
            body = {
                "name": name,
                "algorithm_store_url": f"{{stores}}/ok-{name}/api",
                "server_url": "{base}/api",
                "force": True,
                **({} if of is None else {"collaboration_id": f"@collaboration:{of}"}),
            }
            await self._create(f"store:{name}", "/algorithmstore", body)

    async def _people(self) -> None:
        for name, organization in scene.ROLES.items():
            body = {
                "name": f"role {name}",
                "rules": [f"@rule:{rule}" for rule in sorted(scene.thing(f"role:{name}").rules)],
                "organization_id": f"@organization:{organization}",
            }
            await self._create(f"role:{name}", "/role", body)
        for name, (organization, role) in scene.BYSTANDERS.items():
            await self._user(name, organization, roles=[role] if role else [])
        for actor in self._callers:
            rules = () if actor.roles else actor.rules
            await self._user(actor.name, scene.HOME, roles=actor.roles, rules=rules)
        await self._user("deleted user", scene.HOME)
        await self.make("root", "DELETE", f"/user/{self.ids.pop('user:deleted user')}")

    async def _user(self, name: str, organization: str, *, roles: Any = (), rules: Any = ()) -> None:
        username = username_of(name)
        body = {
            "username": username,
            "password": _PASSWORD,
            "email": f"{username}@rights.test",
            "firstname": "First",
            "lastname": "Last",
            "organization_id": f"@organization:{organization}",
            "roles": [f"@role:{role}" for role in roles],
            "rules": [f"@rule:{rule}" for rule in sorted(rules)],
        }
        await self._create(f"user:{name}", "/user", body)
        await self._let_in(name)

    async def _work(self) -> None:
        for name, (user, collaboration, runs) in scene.TASKS.items():
            await self._task(name, user, collaboration, runs)
        await self._lend_everybody_tasks()
        at = {"A": "node A@AB", "B": "node B@AB"}
        for organization, node in at.items():
            change = {"started_at": "2024-03-01T10:00:00.000001+00:00", "status": "active"}
            await self.make(node, "PATCH", f"/run/{self.ids[f'run:ended/{organization}']}", change)
        grant = {"task_id": "@task:A", "image": IMAGE}
        self.tokens["container of A@AB"] = (await self.make("node A@AB", "POST", "/token/container", grant))[
            "container_token"
        ]
        grant = {"task_id": "@task:ended", "image": IMAGE}
        self.tokens["ended container"] = (await self.make("node A@AB", "POST", "/token/container", grant))[
            "container_token"
        ]
        for organization, node in at.items():
            change = {"finished_at": "2024-03-01T11:00:00.000001+00:00", "status": "completed", "result": RESULT}
            await self.make(node, "PATCH", f"/run/{self.ids[f'run:ended/{organization}']}", change)

    async def _lend_everybody_tasks(self) -> None:
        """Let everybody have made a task, whatever they may do now: the right to is lent for the moment."""
        collaboration, runs = scene.OF_EVERYBODY
        lent = "task:COLLABORATION:CREATE"
        for actor in self._callers:
            rules = frozenset() if actor.roles else actor.rules
            lacks = not scene.scopes(actor, "task CREATE")
            if lacks:
                await self._rules(actor, rules | {lent})
                await self._let_in(actor.name)  # whoever logs in anew is known anew by every replica
            await self._task(actor.name, actor.name, collaboration, runs)
            if lacks:
                await self._rules(actor, rules)
                await self._let_in(actor.name)

    async def _rules(self, actor: Actor, rules: frozenset[str]) -> None:
        given = [f"@rule:{rule}" for rule in sorted(rules)]
        await self.make("root", "PATCH", f"/user/{self.ids[f'user:{actor.name}']}", {"rules": given})

    async def _task(self, name: str, user: str, collaboration: str, runs: str) -> None:
        body = task_body(collaboration, runs)
        made = await self._create(f"task:{name}", "/task", body, user)
        for run in (await self.make("root", "GET", f"/run?task_id={made['id']}"))["data"]:
            organization = next(one for one in runs if self.ids[f"organization:{one}"] == run["organization"]["id"])
            self.ids[f"run:{name}/{organization}"] = run["id"]

    async def _strangers(self, refresh_token: str) -> None:
        whoever = str(self.tokens["role Root"])
        self.tokens |= {
            "anonymous": None,
            "no token at all": "not.a.token",
            "forged token": signed(whoever, ECKey.generate_key("P-256")),
            "unsigned token": unsigned(whoever),
            "refresh token": refresh_token,
        }
        if self._signer is not None:
            an_hour_ago = int(time.time()) - 3600
            service = {"sub": API, "type": TokenUse.SERVICE, "client_type": ClientType.SERVICE}
            self.tokens["expired token"] = await self._signer(whoever, exp=an_hour_ago)
            self.tokens["service token"] = await self._signer(whoever, **service)

    async def _let_in(self, name: str) -> None:
        """Get a user a token."""
        if self._signer is not None:
            self.tokens[name] = await self._signer(str(self.tokens["root"]), sub=self.ids[f"user:{name}"], pv=0)
        else:
            made = await self._log_in("/token/user", {"username": username_of(name), "password": _PASSWORD})
            self.tokens[name] = made["access_token"]


def username_of(name: str) -> str:
    """The account of somebody: names are as accounts may be called."""
    return name.replace(" ", ".").replace(":", "_")


def task_body(collaboration: str, runs: str, **more: Any) -> dict[str, Any]:
    """What makes a task."""
    return {
        "name": "task",
        "image": IMAGE,
        "collaboration_id": f"@collaboration:{collaboration}",
        "organizations": [{"id": f"@organization:{one}", "input": INPUT} for one in runs],
        "databases": [{"label": "default"}],
        **more,
    }
