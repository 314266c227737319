"""A collaboration, its station, those who watch it, and their sockets: made and spoken to in plain HTTP and Socket.IO.

Owns the sockets of its watchers. Knows of the server only its URL and the root password.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
import httpx2
import socketio

NAMESPACE = "/tasks"
PASSWORD = "Correct-horse-7"
PATIENCE = 60.0
_INPUT = base64.b64encode(b'{"method": "sum"}').decode()


async def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and give its value."""
    async with asyncio.timeout(PATIENCE):
        while not (value := condition()):
            await asyncio.sleep(0.02)
    return value


class Watcher:
    """A user's program that remembers what it heard, and comes back with the offset that it heard last.

    Attributes:
        heard: name and payload of each event with an offset, over all its connections.
        plainly: name and payload of each event without.
        others: the names of all other events.
        since: the offset that it heard last.
    """

    def __init__(self, url: str, token: str, exits: AsyncExitStack, *, reconnection: bool = False) -> None:
        self._url = url
        self._token = token
        self._exits = exits
        self._reconnection = reconnection
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.plainly: list[tuple[str, dict[str, Any]]] = []
        self.others: list[str] = []
        self.since = "newest"
        self.client: Any = None

    async def connect(self) -> Self:
        """Connect, and wait until all that was missed has been told."""
        before = self.others.count("history_caught_up")
        await self._connect(lambda: {"since": self.since})
        await eventually(lambda: self.others.count("history_caught_up") > before)
        return self

    async def connect_plainly(self) -> Self:
        """Connect as those do who know nothing of offsets, and wait until what happens is heard."""
        await self._connect(None)
        await eventually(lambda: "message" in self.others)
        return self

    async def _connect(self, auth: Callable[[], dict[str, str]] | None) -> None:
        # a session of our own: the library loses its own now and then when it reconnects, and keeps no cookie of an
        # address without a name, by which the gateway would know where the session lives
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._exits.push_async_callback(http.close)
        self.client = socketio.AsyncClient(
            reconnection=self._reconnection, reconnection_delay=0.1, reconnection_delay_max=0.5, http_session=http
        )
        self._exits.push_async_callback(self.client.shutdown)
        self.client.on("*", self._hear, namespace=NAMESPACE)
        await self.client.connect(
            self._url,
            headers={"Authorization": f"Bearer {self._token}"},
            auth=auth,
            namespaces=[NAMESPACE],
            wait_timeout=PATIENCE,
        )

    def _hear(self, event: str, *arguments: Any) -> None:
        payload = arguments[0] if arguments else None
        if not isinstance(payload, dict):
            self.others.append(event)
            return
        self.since = payload.get("offset", self.since)
        if "event_id" in payload:
            self.heard.append((event, payload))
        elif "offset" in payload:
            self.others.append(event)
        else:
            self.plainly.append((event, payload))

    def tasks(self) -> list[int]:
        """The tasks that it heard of."""
        return [payload["id"] for event, payload in self.heard if event == "new_task"]


class World:
    """One organization with a station, and another in a collaboration of its own."""

    def __init__(self, url: str, http: httpx2.AsyncClient, exits: AsyncExitStack) -> None:
        self.url = url
        self._http = http
        self._exits = exits
        self._tag = secrets.token_hex(4)
        self._root = ""
        self._station = ""
        self._node = 0
        self.organization = self.collaboration = 0
        self.researcher = self.outsider = self.deaf = ""

    async def build(self, root_password: str) -> Self:
        """Make everything."""
        self._root = await self._log_in("root", root_password)
        self.organization, elsewhere = [await self._organization(name) for name in ("north", "island")]
        self.collaboration = await self._collaboration("together", self.organization)
        await self._collaboration("elsewhere", elsewhere)
        roles = (await self.ask("GET", "role?name=Researcher", self._root))["data"]
        watching = next(role["id"] for role in roles if role["name"] == "Researcher")
        rules = (await self.ask("GET", "rule?per_page=200", self._root))["data"]
        views = [rule["id"] for rule in rules if (rule["name"], rule["operation"]) == ("task", "view")]
        name = f"viewer-{self._tag}"
        body = {"name": name, "description": "", "rules": views, "organization_id": self.organization}
        silent = (await self.ask("POST", "role", self._root, body))["id"]
        self.researcher = await self._user("rosalind", self.organization, watching)
        self.outsider = await self._user("otto", elsewhere, watching)
        self.deaf = await self._user("dora", self.organization, silent)
        node = await self.ask(
            "POST",
            "node",
            self._root,
            {
                "name": f"node-{self._tag}",
                "organization_id": self.organization,
                "collaboration_id": self.collaboration,
            },
        )
        self._node = node["id"]
        self._station = (await self.ask("POST", "token/node", None, {"api_key": node["api_key"]}))["access_token"]
        return self

    async def ask(self, method: str, path: str, token: str | None, body: Any = None) -> Any:
        """Call the API and give the JSON of a success."""
        answer = await self.raw(method, path, token, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def raw(self, method: str, path: str, token: str | None, body: Any = None) -> httpx2.Response:
        """Call the API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._http.request(method, f"{self.url}/api/{path}", headers=headers, json=body)

    def watcher(self, token: str, *, reconnection: bool = False) -> Watcher:
        """Make a program of a user's, which leaves at the end of the test at the latest."""
        return Watcher(self.url, token, self._exits, reconnection=reconnection)

    async def post_task(self, number: int = 0) -> int:
        """Submit a task."""
        body = {
            "name": f"sum {number}",
            "description": f"{self._tag} {number}",
            "image": "registry.example/sum:1",
            "collaboration_id": self.collaboration,
            "organizations": [{"id": self.organization, "input": _INPUT}],
            "databases": [{"label": "default"}],
        }
        return int((await self.ask("POST", "task", self.researcher, body))["id"])

    async def do_all(self) -> None:
        """Let the station do what is open, as a node does it."""
        runs = await self.ask("GET", f"run?state=open&node_id={self._node}&per_page=500", self._station)
        for run in runs["data"]:
            started = {"status": "active", "started_at": "2026-01-01T00:00:00+00:00"}
            await self.ask("PATCH", f"run/{run['id']}", self._station, started)
            ended = {"status": "completed", "result": _INPUT, "finished_at": "2026-01-01T00:00:01+00:00"}
            await self.ask("PATCH", f"run/{run['id']}", self._station, ended)

    async def listed(self, token: str, since: str) -> list[tuple[str, dict[str, Any]]]:
        """Everything that `GET /api/event` tells after an offset, in the form in which a watcher remembers it."""
        found, path = [], f"event?since={since}&collaboration_id={self.collaboration}&per_page=50"
        while path:
            page = await self.ask("GET", path, token)
            found += [
                (each["event"], {**each["payload"], "event_id": each["id"], "offset": each["offset"]})
                for each in page["data"]
            ]
            path = page["links"].get("next", "").removeprefix("/api/")
        return found

    async def _log_in(self, username: str, password: str) -> str:
        body = {"username": username, "password": password}
        return str((await self.ask("POST", "token/user", None, body))["access_token"])

    async def _organization(self, name: str) -> int:
        return int((await self.ask("POST", "organization", self._root, {"name": f"{name}-{self._tag}"}))["id"])

    async def _collaboration(self, name: str, organization: int) -> int:
        body = {"name": f"{name}-{self._tag}", "organization_ids": [organization], "encrypted": False}
        return int((await self.ask("POST", "collaboration", self._root, body))["id"])

    async def _user(self, name: str, organization: int, role: int) -> str:
        body = {
            "username": f"{name}-{self._tag}",
            "password": PASSWORD,
            "email": f"{name}-{self._tag}@example.org",
            "firstname": name,
            "lastname": "Example",
            "organization_id": organization,
            "roles": [role],
        }
        await self.ask("POST", "user", self._root, body)
        return await self._log_in(body["username"], PASSWORD)
