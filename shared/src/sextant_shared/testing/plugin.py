"""The pytest plugin of the test kit: real servers as fixtures, and skips that nobody overlooks.

Owns the fixtures' scopes and what happens when a server cannot be had: the test is skipped with the
reason and the command that would help, repeated in a banner at the end; where skipping is forbidden
(`SEXTANT_TEST_NO_SKIP=1`), every skip is a failure. It is loaded in every pytest run, so importing
it must stay cheap and start nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sextant_shared.testing.backing import BackingServers, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from sextant_shared.testing.haproxy import HaproxyRunner
    from sextant_shared.testing.postgres import PostgresServer
    from sextant_shared.testing.processes import ProcessKeeper
    from sextant_shared.testing.rabbitmq import RabbitServer

_NO_SKIP = "SEXTANT_TEST_NO_SKIP"
_INSTALL_SECONDS = 900

# what a test asks for says what it needs, so nobody has to mark it
_MARKER_OF_FIXTURE = {
    "postgres": "postgres",
    "rabbitmq": "rabbitmq",
    "haproxy": "haproxy",
    "haproxy_binary": "haproxy",
    "client_python": "clients",
}

_unavailable = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def backing_servers() -> Iterator[BackingServers]:
    """All servers of the run, each got at first use; the fixtures below are its parts."""
    with BackingServers() as servers:
        yield servers


@pytest.fixture(scope="session")
def processes(backing_servers: BackingServers) -> ProcessKeeper:
    """Start further processes, which end with their `with` block or with the run."""
    return backing_servers.processes


@pytest.fixture(scope="session")
def postgres(backing_servers: BackingServers) -> PostgresServer:
    """Provide a PostgreSQL server; ask it for a fresh database."""
    return backing_servers.postgres


@pytest.fixture(scope="session")
def rabbitmq(backing_servers: BackingServers) -> RabbitServer:
    """Provide a RabbitMQ broker; ask it for a fresh virtual host."""
    return backing_servers.rabbitmq


@pytest.fixture(scope="session")
def haproxy(backing_servers: BackingServers) -> HaproxyRunner:
    """Run HAProxy: call it with a configuration and the ports to wait for."""
    return backing_servers.haproxy


@pytest.fixture(scope="session")
def haproxy_binary(haproxy: HaproxyRunner) -> Path:
    """Name the HAProxy program."""
    return haproxy.binary


@pytest.fixture(scope="session")
def client_python(pytestconfig: pytest.Config) -> Path:
    """Name the interpreter of a venv that holds the official vantage6 client and node class.

    The venv is made at first use: the official packages' pins differ from ours.
    """
    root = pytestconfig.rootpath
    setup = root / "scripts" / "setup_venv.py"
    done = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, setup, "clients"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_SECONDS,
    )
    if done.returncode != 0:
        raise UnavailableError(
            f"the venv of the official client could not be made; run `make setup-clients`. "
            f"It ended: {done.stdout.strip()[-500:]}"
        )
    return root / ".venv-clients" / "bin" / "python"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare to remember what could not be had."""
    config.stash[_unavailable] = set()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with the servers it asks for."""
    asked_for = set(getattr(item, "fixturenames", ())) & _MARKER_OF_FIXTURE.keys()
    for marker in sorted({_MARKER_OF_FIXTURE[fixture] for fixture in asked_for}):
        item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip loudly what lacks a server, and turn every skip into a failure where it is forbidden."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, UnavailableError):
        reason = str(call.excinfo.value)
        item.config.stash[_unavailable].add(reason)
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, (line or 0) + 1, f"Skipped: {reason}")
    if report.skipped and not hasattr(report, "wasxfail"):
        _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure where skipping is forbidden."""
    report = yield
    if report.skipped:
        _forbid_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say once more, in one place, what could not be had."""
    reasons = config.stash[_unavailable]
    if not reasons:
        return
    terminalreporter.section("TESTS NOT RUN: a server is missing", sep="!", red=True, bold=True)
    for reason in sorted(reasons):
        terminalreporter.line(f"* {reason}", red=True)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(_NO_SKIP) != "1":
        return
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longreprtext
    report.outcome = "failed"
    report.longrepr = f"{reason}\n(a failure, because {_NO_SKIP}=1 forbids skipping)"
