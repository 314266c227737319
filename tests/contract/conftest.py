"""The servers on which the recordings are replayed, and the count of what came out."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.logging import configure_logging
from sextant_shared.testing.backing import BackingServers
from tests.shapes import distributed_shape

from .flows import build_for_two_factors
from .known_failures import known_failures
from .outside import Outside, outside
from .server import ROOT_PASSWORD, InProcess, Running
from .session import Outcome, Session, Step
from .world import World, build, signed

SETTINGS = {
    "SEXTANT_STATUS_HOLD_SECONDS": "0",  # the original answers a poll at once
    "SEXTANT_CORS_ORIGINS": '["http://somewhere.test"]',
    "SEXTANT_PRESENCE_GRACE_SECONDS": "0",  # it tells at once who left
    "SEXTANT_PRESENCE_SWEEP_SECONDS": "0.1",
    "SEXTANT_SOCKET_NOTICE_SECONDS": "0.2",
}

_COUNTS = pytest.StashKey[Counter[tuple[str, str, str]]]()
_LEFT_OUT = pytest.StashKey[Counter[tuple[str, str]]]()


@pytest.fixture(scope="session")
def outside_world() -> Iterator[Outside]:
    """The algorithm stores and the mail server of the recordings."""
    with outside() as running:
        yield running


@pytest.fixture(scope="session", params=["standalone", "distributed"])
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, outside_world: Outside
) -> Iterator[Session]:
    """The world of the recordings on a server of each shape, shared by all cases."""
    if request.param == "standalone":
        folder = tmp_path_factory.mktemp("replay")
        with _standalone(folder, outside_world, steps=[build, _make_expired_token]) as made:
            made.build()
            yield made
    else:
        with _distributed(request.getfixturevalue("backing_servers"), outside_world) as made:
            made.build()
            yield made


@pytest.fixture(scope="session")
def two_factor_session(tmp_path_factory: pytest.TempPathFactory, outside_world: Outside) -> Iterator[Session]:
    """A server with two-factor login, on which two people had logged in before it was switched on."""
    folder = tmp_path_factory.mktemp("two-factor")
    with _standalone(folder, outside_world, steps=[build_for_two_factors]) as before:
        before.build()
    settings = {"SEXTANT_TWO_FACTOR": "true", "SEXTANT_SERVER_NAME": "conformance", "SEXTANT_MAX_FAILED_LOGINS": "3"}
    with _standalone(folder, outside_world, steps=(), settings=settings) as made:
        made.world.adopt(before.world)
        made.build()
        yield made


@contextmanager
def _standalone(
    folder: Path, outside_world: Outside, *, steps: Sequence[Step], settings: Mapping[str, str] | None = None
) -> Iterator[Session]:
    configure_logging(level="error", fmt="console", service="replay")
    with asyncio.Runner() as runner:
        # only while the settings are read: other suites are started from this environment
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**SETTINGS, **outside_world.mailbox.settings, **(settings or {})}.items():
                patch.setenv(name, value)
            server = InProcess(folder)
            runner.run(server.__aenter__())
        try:
            yield Session(runner, World(server, outside_world, root_password=ROOT_PASSWORD), steps=steps)
        finally:
            runner.run(server.__aexit__())


@contextmanager
def _distributed(servers: BackingServers, outside_world: Outside) -> Iterator[Session]:
    settings = {**SETTINGS, **outside_world.mailbox.settings}
    replicas = {AUTH: 1, API: 1, RELAY: 1}
    with distributed_shape(servers, replicas=replicas, settings=settings) as shape, asyncio.Runner() as runner:
        server = Running(shape)
        runner.run(server.__aenter__())
        try:
            yield Session(runner, World(server, outside_world, root_password=shape.root_password))
        finally:
            runner.run(server.__aexit__())


async def _make_expired_token(world: World) -> None:
    """Only inside the server is the key with which an expired token can be signed."""
    assert isinstance(world.server, InProcess)
    auth = next(service for service in world.server.standalone.services if service.name == AUTH)
    signing = await auth.app.state.parts.keyring.signing_key()
    await world.headers("A.Researcher")
    world.tokens["expired"] = signed(world.tokens["A.Researcher"], signing.key, exp=int(time.time()) - 3600)


def check(outcomes: list[Outcome], shape: str, config: pytest.Config) -> None:
    """Judge a case: everything is right but what is known not to be, and that is still wrong."""
    known = {outcome.cell.name: reason_of(outcome) for outcome in outcomes if reason_of(outcome)}
    wrong = {outcome.cell.name: outcome for outcome in outcomes if outcome.problems}
    for outcome in outcomes:
        config.stash[_COUNTS][outcome.cell.suite, shape, _kind(outcome, known)] += 1
        if outcome.left_out:
            config.stash[_LEFT_OUT][shape, outcome.left_out] += 1
    new = [f"{name}: {'; '.join(wrong[name].problems[:4])}" for name in wrong if name not in known]
    if new:
        pytest.fail("\n".join(["not as recorded:", *new]), pytrace=False)
    compared = {outcome.cell.name for outcome in outcomes if not outcome.left_out}
    mended = [name for name in known if name in compared and name not in wrong]
    if mended:
        pytest.fail("\n".join(["right by now, take out of the known failures:", *mended]), pytrace=False)
    if known.keys() & compared:
        pytest.xfail("; ".join(sorted({str(reason) for reason in known.values()})))


def reason_of(outcome: Outcome) -> str | None:
    """Why a cell is known not to be right; None if it is not known to be wrong."""
    return known_failures().get(f"{outcome.cell.suite}::{outcome.cell.name}")


def _kind(outcome: Outcome, known: dict[str, str | None]) -> str:
    if outcome.left_out:
        return "left out"
    if outcome.problems:
        return "known to be wrong" if outcome.cell.name in known else "wrong"
    return "right where the original is wrong" if outcome.deviation else "as recorded"


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_COUNTS] = Counter()
    config.stash[_LEFT_OUT] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many exchanges came out how."""
    counts = config.stash[_COUNTS]
    if not counts:
        return
    terminalreporter.section("recorded exchanges")
    for suite, shape in sorted({(suite, shape) for suite, shape, _ in counts}):
        kinds = {kind: number for (of, at, kind), number in sorted(counts.items()) if (of, at) == (suite, shape)}
        shown = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        terminalreporter.line(f"{suite} ({shape}): {shown}")
    for (shape, why), number in sorted(config.stash[_LEFT_OUT].items()):
        terminalreporter.line(f"LEFT OUT ({shape}): {number} cells, because {why}", yellow=True)
