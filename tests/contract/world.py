"""Builds the world of the recordings through the REST API, as an administrator, nodes and algorithms would.

Owns who is who: symbols, API keys, passwords and tokens. What `recordings/world.json` says is read from there; what
only shows in the answers (names, addresses, times) stands here. Must not know what any answer should be.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pyotp
from joserfc import jws
from joserfc.jwk import ECKey

from . import recording
from .outside import Outside
from .server import Answer, Server
from .symbols import Symbols

IMAGE = "registry.test/algo:1"
OTHER_IMAGE = "registry.test/other:2"
PUBLIC_KEY = base64.b64encode(b"-----BEGIN PUBLIC KEY----- conformance").decode()
READABLE = base64.b64encode(b'{"method": "x", "args": [], "kwargs": {}}').decode()
UNREADABLE = "//768IAgbm90IHV0Zi04IMMo"
"""An input as encrypted ones are: base64 of what is no text."""

_ROLES = {"Organization Admin": "OrgAdmin", "Collaboration Admin": "ColAdmin"}
_ADDRESSES = {"A1": "10.76.0.2", "B1": "10.76.0.3"}
_TWO_DATABASES = [
    {"label": "db1", "query": "SELECT 1", "sheet_name": "s"},
    {"label": "db2", "preprocessing": [{"function": "f"}], "arguments": {"a": 1}},
]


class WorldError(AssertionError):
    """The world cannot be built: a request was refused that must succeed."""


@dataclass(frozen=True)
class Belongings:
    """What a case may add to: tokens, keys, and what could not be made."""

    tokens: dict[str, str]
    refresh_tokens: dict[str, str]
    keys: dict[str, str]
    missing: dict[str, str]


class World:
    """The objects of the recordings on one server, and everybody's tokens.

    Args:
        server: an empty one.
        outside: stores and mails.
        root_password: of the first user.
    """

    def __init__(self, server: Server, outside: Outside, *, root_password: str) -> None:
        self.server = server
        self.outside = outside
        self.symbols = Symbols()
        self.passwords = {"root": root_password}
        self.keys: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        """Of second factors, by the name that requests give them."""
        self.missing: dict[str, str] = {}
        """What could not be made, and why: cells that need it cannot match."""
        self.symbols.note("base", server.base)
        self.symbols.note("side", outside.stores.url)
        self.symbols.bind("org:root", 1)
        self.symbols.bind("user:root", 1)

    @property
    def addresses(self) -> Mapping[str, str]:
        """What the recordings show in the place of which address."""
        return {self.outside.stores.url: "<SIDE>", self.server.base: "<BASE>"}

    def adopt(self, other: "World") -> None:
        """Take over what is known of the same world from before the server was started anew."""
        self.symbols, self.tokens, self.refresh_tokens = other.symbols, other.tokens, other.refresh_tokens

    def belongings(self) -> Belongings:
        """What can be taken back later."""
        return Belongings(dict(self.tokens), dict(self.refresh_tokens), dict(self.keys), dict(self.missing))

    def take_back(self, kept: Belongings) -> None:
        """Return to what there was, but let those who are always there keep the tokens that they got since."""
        staying = {name: token for name, token in self.tokens.items() if name in recording.world()["users"]}
        self.tokens = staying | kept.tokens
        self.refresh_tokens, self.keys, self.missing = kept.refresh_tokens, kept.keys, kept.missing

    @contextmanager
    def lacking(self, what: str) -> Iterator[None]:
        """Go on without something that the server cannot make, but remember it."""
        try:
            yield
        except (WorldError, KeyError) as error:
            self.missing[what] = str(error)

    async def ask(self, actor: str, method: str, path: str, body: Any = None) -> Answer:
        """Make a request as somebody; `path` is below `/api` and may hold symbols."""
        headers = await self.headers(actor)
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(self.symbols.fill(body))
        return await self.server.ask(method, f"/api{self.symbols.fill_text(path)}", headers=headers, content=content)

    async def make(self, actor: str, method: str, path: str, body: Any = None) -> Any:
        """Make a request that must succeed, and return the body of the answer.

        Raises:
            WorldError: it does not.
        """
        answer = await self.ask(actor, method, path, body)
        if not 200 <= answer.status < 300:
            raise WorldError(f"{actor}: {method} {path} -> {answer.status} {answer.content[:300]!r} ({body})")
        return answer.body

    async def create(self, symbol: str, path: str, body: Any, *, actor: str = "root") -> dict[str, Any]:
        """Make an object that a symbol stands for."""
        made: dict[str, Any] = await self.make(actor, "POST", path, body)
        self.symbols.bind(symbol, made["id"])
        return made

    async def headers(self, actor: str) -> dict[str, str]:
        """The Authorization header of somebody, who logs in first if need be."""
        if actor in ("anonymous", "observer"):
            return {}
        if actor == "badtoken":
            return {"authorization": "Bearer not.a.token"}
        if actor not in self.tokens:
            await self.log_in(actor)
        return {"authorization": f"Bearer {self.tokens[actor]}"}

    async def log_in(self, actor: str) -> None:
        """Get the token of an actor."""
        kind, _, name = actor.partition(":")
        if actor == "badsig":
            self.tokens[actor] = forged(await self._token("A.Researcher"))
        elif actor == "expired":
            raise KeyError("token that has expired")
        elif actor == "refresh":
            await self._token("A.Researcher")
            self.tokens[actor] = self.refresh_tokens["A.Researcher"]
        elif actor.endswith("#refresh"):
            await self._token(actor.removesuffix("#refresh"))
            self.tokens[actor] = self.refresh_tokens[actor.removesuffix("#refresh")]
        elif kind == "node" and name:
            made = await self.make("anonymous", "POST", "/token/node", {"api_key": self.keys[name.partition("#")[0]]})
            self._keep_tokens(actor, made)
        elif kind in ("container", "resettoken"):
            raise KeyError(f"token of {actor}")
        else:
            login = {"username": actor, "password": self.passwords.get(actor, password(actor))}
            self._keep_tokens(actor, await self.make("anonymous", "POST", "/token/user", login))

    async def container(self, name: str, node: str, task: str, image: str = IMAGE) -> None:
        """Let a node get the token of an algorithm."""
        grant = {"task_id": f"{{task:{task}}}", "image": image}
        made = await self.make(f"node:{node}", "POST", "/token/container", grant)
        self.tokens[f"container:{name}"] = made["container_token"]

    def code(self, secret: str) -> str:
        """The code of now for a second factor."""
        return pyotp.TOTP(self.secrets[secret]).now()

    async def user(self, name: str, organization: str, **fields: Any) -> None:
        """Make a user."""
        body = {
            "username": name,
            "password": password(name),
            "email": f"{name.lower()}@conformance.test",
            "firstname": f"First {name}",
            "lastname": "Last",
            "organization_id": f"{{org:{organization}}}",
            "roles": [],
            "rules": [],
        }
        await self.create(f"user:{name}", "/user", body | fields)

    async def node(self, symbol: str, organization: str, collaboration: str, **fields: Any) -> None:
        """Make a node and keep its key."""
        body = {
            "name": f"node-{symbol}",
            "organization_id": f"{{org:{organization}}}",
            "collaboration_id": f"{{col:{collaboration}}}",
        }
        made = await self.create(f"node:{symbol}", "/node", body | fields)
        self.keys[symbol] = made["api_key"]
        self.symbols.note(f"val:key:{symbol}", made["api_key"])

    async def task(self, name: str, actor: str, organizations: list[str], **fields: Any) -> None:
        """Make a task, and give its runs and (unless `job` is false) its job their symbols."""
        given = fields.pop("input", READABLE)
        body = {
            "name": name,
            "image": IMAGE,
            "organizations": [{"id": f"{{org:{organization}}}", "input": given} for organization in organizations],
        }
        job = fields.pop("job", True)
        made = await self.create(f"task:{name}", "/task", body | fields, actor=actor)
        if job and made["parent"] is None:  # a subtask belongs to the job of its parent
            self.symbols.bind(f"job:{name}", made["job_id"])
        runs = await self.make("root", "GET", f"/run?task_id={{task:{name}}}&per_page=100")
        of = {run["organization"]["id"]: run["id"] for run in runs["data"]}
        for organization in organizations:
            self.symbols.bind(f"run:{name}.{organization}", of[self.symbols.id(f"org:{organization}")])

    async def report(self, run: str, node: str, **fields: Any) -> None:
        """Let a node say how a run is doing."""
        await self.make(f"node:{node}", "PATCH", f"/run/{{run:{run}}}", fields)

    async def port(self, run: str, node: str, number: int, label: str | None = None) -> None:
        """Let a node say at which port an algorithm listens."""
        body = {"run_id": f"{{run:{run}}}", "port": number} | ({} if label is None else {"label": label})
        await self.create(f"port:{run}.{number}", "/port", body, actor=f"node:{node}")

    async def _token(self, actor: str) -> str:
        await self.headers(actor)
        return self.tokens[actor]

    def _keep_tokens(self, actor: str, made: Mapping[str, str]) -> None:
        self.tokens[actor] = made["access_token"]
        self.refresh_tokens[actor] = made["refresh_token"]


def password(username: str) -> str:
    """The password of everybody in the world but root."""
    return f"Conf-{username}-Pw1!"


def forged(token: str) -> str:
    """The same token, signed with a key of our own."""
    return signed(token, ECKey.generate_key("P-256"))


def signed(token: str, key: ECKey, **claims: Any) -> str:
    """A token like another, signed with this key, and with these claims changed."""
    parsed = jws.extract_compact(token.encode())
    payload = orjson.loads(parsed.payload) | claims
    return jws.serialize_compact(dict(parsed.headers()), orjson.dumps(payload), key)


async def build(world: World) -> None:
    """Build what `recordings/world.json` describes, in its order."""
    said = recording.world()
    await name_catalogue(world)
    await _structure(world, said)
    await _people(world, said)
    # a public key can only be set by somebody of the organization
    await world.make("A.OrgAdmin", "PATCH", "/organization/{org:A}", {"public_key": PUBLIC_KEY})
    for name, (organization, collaboration) in said["nodes"].items():
        await world.node(name, organization, collaboration)
    for name, address in _ADDRESSES.items():
        await world.make(f"node:{name}", "PATCH", f"/node/{{node:{name}}}", {"ip": address})
    for name in said["algorithm stores"]:
        with world.lacking(f"store:{name}"):
            await store(world, name, f"store-{name}", None if name == "all" else name)
    await _tasks(world)
    for actor in ("A.ColAdmin", "badsig", "refresh"):
        await world.headers(actor)


async def store(world: World, name: str, shown: str, collaboration: str | None, *, actor: str = "root") -> None:
    """Link an algorithm store."""
    body = {
        "name": shown,
        "algorithm_store_url": f"{{side}}/ok-{name}/api",
        "server_url": "{base}/api",
        "force": True,
    } | ({} if collaboration is None else {"collaboration_id": f"{{col:{collaboration}}}"})
    await world.create(f"store:{name}", "/algorithmstore", body, actor=actor)


async def name_catalogue(world: World) -> None:
    """Give the rules and roles that every server has their symbols."""
    rules = await world.make("root", "GET", "/rule?no_pagination=1")
    for rule in rules["data"]:
        world.symbols.bind(f"rule:{rule['name']}-{rule['scope']}-{rule['operation']}", rule["id"])
    roles = await world.make("root", "GET", "/role?per_page=100")
    for role in roles["data"]:
        world.symbols.bind(f"role:{_ROLES.get(role['name'], role['name'])}", role["id"])


async def _structure(world: World, said: Mapping[str, Any]) -> None:
    for name, organization in said["organizations"].items():
        if name == "root":
            continue
        body = {
            "name": organization["name"],
            "address1": f"{name} street 1",
            "address2": "floor 2",
            "zipcode": f"12{name}",
            "country": organization["country"],
            "domain": f"{name.lower()}.test",
        }
        await world.create(f"org:{name}", "/organization", body)
    for name, collaboration in said["collaborations"].items():
        body = {
            "name": f"collab-{name}",
            "organization_ids": [f"{{org:{member}}}" for member in collaboration["organizations"]],
            "encrypted": collaboration.get("encrypted", False),
        }
        await world.create(f"col:{name}", "/collaboration", body)
    for name, study in said["studies"].items():
        body = {
            "name": f"study-{name}",
            "collaboration_id": f"{{col:{study['collaboration']}}}",
            "organization_ids": [f"{{org:{member}}}" for member in study["organizations"]],
        }
        await world.create(f"study:{name}", "/study", body)


async def _people(world: World, said: Mapping[str, Any]) -> None:
    for name, role in said["roles"].items():
        body = {
            "name": f"role-{role['organization']}",
            "description": f"custom role of {role['organization']}",
            "organization_id": f"{{org:{role['organization']}}}",
            "rules": [rule_place(rule) for rule in role["rules"]],
        }
        await world.create(f"role:{name}", "/role", body)
    # those of the single rules were made by name
    for name, user in sorted(said["users"].items(), key=lambda item: item[0] if item[0].startswith("x.") else ""):
        if name == "root":
            continue
        roles = [f"{{role:{_ROLES.get(role, role)}}}" for role in user.get("roles", [])]
        rules = [rule_place(rule) for rule in user.get("rules", [])]
        await world.user(name, user["organization"], roles=roles, rules=rules)


def rule_place(rule: str) -> str:
    """The place of a rule that is written `resource|SCOPE|OPERATION`."""
    return f"{{rule:{rule.replace('|', '-')}}}"


async def _tasks(world: World) -> None:
    """Make the tasks and take their runs as far as they got."""

    async def task(name: str, actor: str, where: Mapping[str, str], organizations: list[str], **fields: Any) -> None:
        fields = {"description": f"task {name}", "databases": [{"label": "default"}]} | fields
        await world.task(name, actor, organizations, **where, **fields)

    c1, c2, c3 = ({"collaboration_id": f"{{col:{name}}}"} for name in ("c1", "c2", "c3"))
    await task("t1", "A.Researcher", c1, ["A", "B"])
    await task("t2", "A.Researcher", c1, ["A", "B"], databases=_TWO_DATABASES)
    await task("t3", "B.Researcher", c1, ["A", "B"])
    await task("t4", "A.Researcher", c2, ["A", "C"], input=UNREADABLE)
    await task("t5", "B.Researcher", c3, ["B", "E"])
    await task("t6", "E.Researcher", c3, ["E"])
    await task("t7", "A.Researcher", {"study_id": "{study:s1}"}, ["A"])
    await task("t8", "A.Researcher", c1, ["A", "B"])
    await task("t9", "A.Researcher", c1, ["A", "B"])
    await task("t10", "A.Researcher", c1, ["A", "B"], image=OTHER_IMAGE)
    await task("t11", "B.Researcher", c1, ["B"])
    for rule in ("task-OWN-VIEW", "task-OWN-DELETE", "run-OWN-VIEW"):
        resource, scope, operation = rule.lower().split("-")
        await _as_creator(world, f"x.{resource}.{scope}.{operation}", f"own.{rule}", task, c1)

    await world.report("t2.A", "A1", started_at=started(1), status="active")
    await world.report("t2.B", "B1", started_at=started(2), status="active")
    await world.report(
        "t2.B", "B1", result=_base64("result-t2-B"), log="all fine", status="completed", finished_at=finished(2, 3)
    )
    await world.report("t4.C", "C2", started_at=started(4), status="active")
    await world.report(
        "t4.C", "C2", result=_base64("result-t4-C"), log="done", status="completed", finished_at=finished(3, 4)
    )
    await world.report("t6.E", "E3", started_at=started(5), status="active", log="busy")
    await world.report("t7.A", "A1", started_at=started(8), status="initializing")
    await world.report("t8.A", "A1", started_at=started(6), status="active")
    await world.report("t8.A", "A1", log="Traceback: boom", status="crashed", finished_at=finished(4, 6))
    await world.make("root", "POST", "/kill/task", {"id": "{task:t9}"})
    for organization, node in (("A", "A1"), ("B", "B1")):
        await world.report(f"t10.{organization}", node, started_at=started(7), status="active")
        await world.report(
            f"t10.{organization}", node, result=_base64("result-t10"), status="completed", finished_at=finished(5, 7)
        )

    await world.container("A", "A1", "t2")
    await world.container("B", "B1", "t3")
    await world.container("E", "E3", "t6")
    await task("t2s", "container:A", c1, ["A", "B"], databases=[])
    await world.container("sub", "B1", "t2s")
    for run, node, number, label in (
        ("t2.A", "A1", 8888, "first"),
        ("t2.A", "A1", 8889, None),
        ("t2.B", "B1", 8890, "first"),
        ("t2s.B", "B1", 8891, "sub"),
    ):
        await world.port(run, node, number, label)


async def _as_creator(world: World, user: str, name: str, task: Any, where: Mapping[str, str]) -> None:
    """Let a user who may not make tasks have made one: the right is lent for the moment."""
    create = rule_place("task|COLLABORATION|CREATE")
    own = rule_place(f"{user.split('.')[1]}|OWN|{user.split('.')[3].upper()}")
    await world.make("root", "PATCH", f"/user/{{user:{user}}}", {"rules": [own, create]})
    await task(name, user, where, ["A", "B"])
    await world.make("root", "PATCH", f"/user/{{user:{user}}}", {"rules": [own]})


def started(number: int) -> str:
    """A time at which a run of the recordings started."""
    return f"2024-03-01T10:20:30.{number:06}+00:00"


def finished(day: int, number: int) -> str:
    """A time at which a run of the recordings ended."""
    return f"2024-03-{day:02}T10:20:30.{number:06}+00:00"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
