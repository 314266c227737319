"""What the official clients get from a server of each shape, method by method."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.testing.backing import BackingServers
from sextant_shared.testing.processes import free_port
from tests.clients.driver import Program
from tests.shapes import Shape, distributed_shape, standalone_shape

from .exceptions import ARGUMENTS_LEFT_OUT, METHODS_LEFT_OUT
from .steps import STEPS

pytestmark = pytest.mark.slow

SUITES = {
    "plain": {
        "SEXTANT_ACCESS_TOKEN_SECONDS": "603",  # which a node's client renews within seconds
        "SEXTANT_PRESENCE_GRACE_SECONDS": "0",
        "SEXTANT_PRESENCE_SWEEP_SECONDS": "0.2",
    },
    "guarded": {"SEXTANT_TWO_FACTOR": "true"},
}
ALL_STEPS = [(suite, name) for suite, steps in STEPS.items() for name in steps]
LEAST_METHODS = {"UserClient": 100, "NodeClient": 25, "AlgorithmClient": 30}

Surfaces = dict[str, dict[str, list[str]]]


class Players(Program):
    """The official clients, playing steps."""

    module = "tests.official_client.program"


@dataclass(frozen=True)
class Played:
    """What came out.

    Attributes:
        problems: of each step, by suite and name.
        calls: the arguments given, by client and method.
    """

    problems: dict[tuple[str, str], str | None]
    calls: dict[tuple[str, str], set[str]]


class PostOffice:
    """A mail server that puts each mail into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self._count += 1
        assert isinstance(envelope.content, bytes)
        whole = self._folder / f"{self._count:04}"
        whole.write_bytes(envelope.content)
        whole.rename(whole.with_suffix(".eml"))
        return "250 OK"


@contextmanager
def post_office(folder: Path) -> Iterator[dict[str, str]]:
    """Run a mail server; gives the settings of who sends mails there."""
    controller = Controller(PostOffice(folder), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield {
            "SEXTANT_SMTP_HOST": "127.0.0.1",
            "SEXTANT_SMTP_PORT": str(controller.port),
            "SEXTANT_SMTP_TLS": "none",
            "SEXTANT_MAIL_FROM": "noreply@sextant.test",
            "SEXTANT_MAIL_INTERVAL_SECONDS": "0",
        }
    finally:
        controller.stop()


@contextmanager
def running(kind: str, servers: BackingServers, settings: dict[str, str]) -> Iterator[Shape]:
    """Run a suite of a shape."""
    if kind == "standalone":
        with standalone_shape(servers, settings=settings) as shape:
            yield shape
    else:
        with distributed_shape(servers, replicas={AUTH: 1, API: 2, RELAY: 1}, settings=settings) as shape:
            yield shape


@pytest.fixture(scope="module", params=["standalone", "distributed"])
def played(
    request: pytest.FixtureRequest,
    backing_servers: BackingServers,
    client_python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Played:
    """All steps, played on a server of each shape."""
    out = Played({}, {})
    for suite, settings in SUITES.items():
        folders = {name: tmp_path_factory.mktemp(name) for name in ("folder", "mails", "blobs")}
        blobs = {"SEXTANT_BLOB_STORE": f"file://{folders['blobs']}"} if suite == "guarded" else {}
        with ExitStack() as stack:
            mail = stack.enter_context(post_office(folders["mails"]))
            shape = stack.enter_context(running(request.param, backing_servers, {**settings, **mail, **blobs}))
            players = stack.enter_context(Players(client_python, shape.url))
            answer = players.ask(
                "play",
                within=300,
                suite=suite,
                root_password=shape.root_password,
                folder=str(folders["folder"]),
                mails=str(folders["mails"]),
            )
        out.problems.update({(suite, name): problem for name, problem in answer["problems"].items()})
        for call in answer["calls"]:
            out.calls.setdefault((call["client"], call["method"]), set()).update(call["given"])
    return out


@pytest.fixture(scope="module")
def offered(client_python: Path) -> dict[str, Any]:
    """All that the official clients offer, and of which release they are."""
    with Players(client_python, "http://127.0.0.1:1") as players:
        return {"surfaces": players.ask("surfaces"), "version": players.ask("version")}


@pytest.fixture(scope="module")
def surfaces(offered: dict[str, Any]) -> Surfaces:
    """All methods with their arguments, by client."""
    surfaces: Surfaces = offered["surfaces"]
    return surfaces


@pytest.mark.parametrize(("suite", "name"), ALL_STEPS, ids=[name for _, name in ALL_STEPS])
def test_step(played: Played, suite: str, name: str) -> None:
    problem = played.problems[suite, name]
    if problem is not None:
        pytest.fail(problem, pytrace=False)


def test_every_method_was_called_in_a_step_that_went_well(played: Played, surfaces: Surfaces) -> None:
    offered = {(client, method) for client, methods in surfaces.items() for method in methods}
    assert offered - played.calls.keys() == METHODS_LEFT_OUT.keys()


def test_every_argument_was_given_in_a_step_that_went_well(played: Played, surfaces: Surfaces) -> None:
    missing = {
        (client, method, argument)
        for client, methods in surfaces.items()
        for method, arguments in methods.items()
        for argument in arguments
        if (client, method) in played.calls and argument not in played.calls[client, method]
    }
    assert missing == ARGUMENTS_LEFT_OUT.keys()


def test_nothing_is_called_that_the_clients_do_not_offer(played: Played, surfaces: Surfaces) -> None:
    offered = {(client, method) for client, methods in surfaces.items() for method in methods}
    assert played.calls.keys() <= offered


def test_the_clients_are_of_the_release_that_we_are_compatible_with(offered: dict[str, Any]) -> None:
    assert offered["version"] == "4.15.2"


@pytest.mark.parametrize("client", LEAST_METHODS)
def test_all_that_a_client_offers_is_seen(surfaces: Surfaces, client: str) -> None:
    assert len(surfaces[client]) >= LEAST_METHODS[client]
