"""What a step is given: clients that are watched, a world to act in, the mailbox and an algorithm store.

Owns the clients and how they log in. Runs in the clients' venv; judges nothing.
"""

import datetime as dt
import email
import email.policy
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vantage6.algorithm.client import AlgorithmClient  # type: ignore[import-not-found]  # only in the clients' venv
from vantage6.client import UserClient  # type: ignore[import-not-found]  # likewise
from vantage6.common.client.client_base import ClientBase  # type: ignore[import-not-found]  # likewise
from vantage6.common.client.node_client import NodeClient  # type: ignore[import-not-found]  # likewise

from tests.clients.hearing import Journal, Socket
from tests.clients.lines import Complaints

from .authenticator import code_of
from .fake_store import FakeStore
from .given import IMAGE, PASSWORD
from .node_proxy import node_proxy
from .recorder import Record, Watched

PART = ClientBase.SubClient

_PATIENCE_SECONDS = 20.0
_TOKEN = re.compile(r"[\w.-]{30,}")
T = TypeVar("T")


@dataclass(frozen=True)
class Node:
    """A data station that has logged in.

    Attributes:
        id: of it.
        api_key: that it logged in with.
        client: watched.
    """

    id: int
    api_key: str
    client: Any


@dataclass(frozen=True)
class Home:
    """A collaboration of two organizations, each with a node, and who works there.

    Attributes:
        organizations: their ids.
        collaboration: its id.
        nodes: of the organizations, in their order.
        researcher: the client of a user of the first organization.
    """

    organizations: tuple[int, int]
    collaboration: int
    nodes: tuple[Node, Node]
    researcher: Any


@dataclass(frozen=True)
class Job:
    """A task whose algorithm is still running, has made a subtask, and waited for that.

    Attributes:
        home: where it runs.
        task: as the researcher was answered.
        subtask: as the algorithm was answered.
        container: the algorithm's client.
        partial: the result of the subtask.
        done: another task of the same organization, which has ended.
        result: of that.
    """

    home: Home
    task: dict[str, Any]
    subtask: dict[str, Any]
    container: Any
    partial: dict[str, Any]
    done: dict[str, Any]
    result: dict[str, Any]


class Stage:
    """The world of one suite of steps.

    Args:
        url: of the server.
        root_password: of its first user.
        folder: for keys and other files.
        mails: the folder into which the mail server puts what it is sent.
    """

    def __init__(self, url: str, root_password: str, folder: Path, mails: Path) -> None:
        self.url = url
        self.folder = folder
        self.record = Record()
        self.complaints = Complaints()
        self._root_password = root_password
        self._mails = mails
        self._seen: set[Path] = set()
        self._authenticators: dict[str, str] = {}

    @cached_property
    def store(self) -> FakeStore:
        """An algorithm store that asks the server who its callers are."""
        return FakeStore()

    @cached_property
    def root(self) -> Any:
        """The client of the first user."""
        return self.log_in("root", self._root_password)

    @cached_property
    def roles(self) -> dict[str, int]:
        """The ids of the default roles."""
        return {role["name"]: role["id"] for role in self._plain(self.root).role.list(per_page=50)["data"]}

    @cached_property
    def home(self) -> Home:
        """The collaboration in which most steps act."""
        return self.new_home()

    def new_home(self) -> Home:
        """Make a collaboration that no other step acts in."""
        organizations = self.organization(), self.organization()
        collaboration = self.collaboration(*organizations)
        researcher = self.user(organizations[0])
        nodes = self.node(organizations[0], collaboration), self.node(organizations[1], collaboration)
        return Home(organizations, collaboration, nodes, self.log_in(researcher, PASSWORD))

    @cached_property
    def job(self) -> Job:
        """The task that most steps look at."""
        home = self.home
        here, there = home.nodes
        task = self.task(home, [home.organizations[0]], {"method": "central"})
        container = self.container(here, task["id"])
        plain = self._plain(here.client)
        (run,) = plain.run.list(state="open", include_task=False, task_id=task["id"])
        plain.run.patch(run["id"], {"status": "active"})
        subtask = self._plain(container).task.create({"method": "partial"}, organizations=[home.organizations[1]])
        partial, result = {"partial": 20}, {"sum": 42}
        self.finish(there, subtask["id"], partial, home.organizations[0])
        done = self.task(home, [home.organizations[0]], {"method": "sum", "args": [], "kwargs": {"rounds": 1}})
        self.finish(here, done["id"], result, home.organizations[0])
        return Job(home, task, subtask, container, partial, done, result)

    # -- clients

    def client(self, **options: Any) -> Any:
        """Make a user client that has not logged in."""
        made = UserClient(*_address(self.url), **options)
        self.complaints.listen()  # a new client takes all other ears from the log
        return self._watched(made)

    def node_client(self) -> Any:
        """Make a node client that has not logged in."""
        return self._watched(NodeClient(*_address(self.url)))

    def container(self, node: Node, task: int, *, proxy: str | None = None) -> Any:
        """Make the client of an algorithm that a node starts for a task.

        Args:
            node: where it runs.
            task: that it runs for.
            proxy: address of the node's proxy; if there is none, it asks the server itself.
        """
        answer = self._plain(node.client).request_token_for_container(task, IMAGE)
        return self._watched(AlgorithmClient(answer["container_token"], *_address(proxy or self.url)))

    def log_in(self, username: str, password: str) -> Any:
        """Make a user's client and log in, with a second factor if the server wants one."""
        client = self.client()
        if username not in self._authenticators:
            secret = self.offered_secret(lambda: client.authenticate(username, password))
            if secret is None:
                return client
            self._authenticators[username] = secret
        client.authenticate(username, password, code_of(self._authenticators[username]))
        return client

    def learn_secret(self, username: str, secret: str) -> None:
        """Put a new secret into the user's authenticator."""
        self._authenticators[username] = secret

    def offered_secret(self, call: Callable[[], Any]) -> str | None:
        """Read the secret of the second factor that a client prints, as its user does."""
        printed = StringIO()
        with redirect_stdout(printed):
            call()
        _, found, secret = printed.getvalue().rpartition("authenticator app: ")
        return secret.strip() if found else None

    # -- the world, made with calls that do not count

    def name(self, kind: str) -> str:
        """Make up a name that nobody else has."""
        return f"{kind}-{secrets.token_hex(4)}"

    def organization(self) -> int:
        """Make an organization; returns its id."""
        name = self.name("organization")
        return int(self._made(self._plain(self.root).organization.create(name, "", "", "", "NL", f"{name}.test")))

    def collaboration(self, *organizations: int, encrypted: bool = False) -> int:
        """Make a collaboration; returns its id."""
        plain = self._plain(self.root)
        return int(self._made(plain.collaboration.create(self.name("collab"), list(organizations), encrypted)))

    def node(self, organization: int, collaboration: int) -> Node:
        """Make a node and log in."""
        made = self._plain(self.root).node.create(collaboration, organization, self.name("node"))
        self._made(made)
        client = self.node_client()
        client.authenticate(made["api_key"])
        client.setup_encryption(None)
        return Node(made["id"], made["api_key"], client)

    def user(self, organization: int, role: str = "Researcher") -> str:
        """Make a user whose password is `PASSWORD`; returns the name."""
        name = self.name("user")
        made = self._plain(self.root).user.create(
            name, "First", "Last", PASSWORD, f"{name}@example.test", organization, [self.roles[role]]
        )
        self._made(made)
        return name

    def task(self, home: Home, organizations: list[int], input_: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Make a task as the researcher."""
        made: dict[str, Any] = self._plain(home.researcher).task.create(
            organizations,
            self.name("task"),
            IMAGE,
            "made by a step",
            input_,
            collaboration=home.collaboration,
            **options,
        )
        self._made(made)
        return made

    def linked_store(self, collaboration: int | None = None) -> dict[str, Any]:
        """Link the algorithm store, at an address that no other link has, to one collaboration or to all."""
        made: dict[str, Any] = self._plain(self.root).store.create(
            self.store.new_url(),
            self.name("store"),
            collaboration=collaboration,
            all_collaborations=collaboration is None,
            force=True,
        )
        self._made(made)
        return made

    def finish(self, node: Node, task: int, result: dict[str, Any], for_: int) -> None:
        """Run the node's part of a task in no time."""
        plain = self._plain(node.client)
        (run,) = plain.run.list(state="open", include_task=False, task_id=task)
        plain.set_task_start_time(run["id"])
        plain.run.patch(run["id"], {"status": "active"})
        body = {"result": _json(result), "log": "done", "status": "completed", "finished_at": _now()}
        plain.run.patch(run["id"], body, init_org_id=for_)

    def proxy(self) -> AbstractContextManager[str]:
        """Run a node's proxy for a while; gives its address."""
        return node_proxy(self.url)

    @contextmanager
    def socket(self, client: Any) -> Iterator[Journal]:
        """Connect a node's client to the event channel for a while."""
        journal = Journal()
        socket = Socket(self.url, journal)
        socket.connect(client.token)
        journal.wait("sync")
        try:
            yield journal
        finally:
            socket.leave()

    # -- what is outside

    def token_mailed_to(self, address: str) -> str:
        """Wait for a mail to an address with a token in it, and return that; each is returned once."""
        return str(self.eventually(lambda: self._new_token(address), lambda token: token is not None))

    # -- judging

    @contextmanager
    def refused(self, *statuses: int) -> Iterator[None]:
        """Expect that the client logs refusals with these statuses, each twice if it tries again, and nothing else."""
        before = len(self.complaints.texts)
        yield
        said = self.complaints.texts[before:]
        del self.complaints.texts[before:]
        heads = [text for text in said if text.startswith("Server responded with error code: ")]
        assert sorted({int(text.rpartition(" ")[2]) for text in heads}) == sorted(statuses), said

    def eventually(self, probe: Callable[[], T], accept: Callable[[T], bool]) -> T:
        """Ask again until the answer is acceptable."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not accept(value := probe()):
            assert time.monotonic() < deadline, value
            time.sleep(0.05)
        return value

    def _watched(self, client: Any) -> Any:
        return Watched(client, type(client).__name__, self.record, PART)

    @staticmethod
    def _plain(client: Any) -> Any:
        return client.unwatched()

    @staticmethod
    def _made(answer: dict[str, Any]) -> int:
        assert "id" in answer, answer
        return int(answer["id"])

    def _new_token(self, address: str) -> str | None:
        for path in sorted(set(self._mails.glob("*.eml")) - self._seen):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["to"] == address:
                self._seen.add(path)
                token = next((line for line in mail.get_content().splitlines() if _TOKEN.fullmatch(line)), None)
                if token is not None:
                    return str(token)
        return None


def _address(url: str) -> tuple[str, int | None, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}", parts.port, "/api"


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()
