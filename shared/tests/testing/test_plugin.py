from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    StartPytest = Callable[..., subprocess.Popen[str]]

NO_SERVERS = """
from sextant_shared.testing import _installation

def nothing(program):
    raise _installation.UnavailableError(f"{program.name} is not here; run `bring it`")

_installation.find_or_install = nothing
"""
NEEDS_POSTGRES = "def test_needs_postgres(postgres): pass\n"
SKIPS = "import pytest\n\ndef test_skips(): pytest.skip('no mood')\n"
SKIPS_MODULE = "import pytest\npytest.skip('no mood', allow_module_level=True)\n"
EXPECTS_FAILURE = "import pytest\n\n@pytest.mark.xfail\ndef test_fails(): assert False\n"
HOLDS_SERVERS = """
import signal, time

def test_holds_servers(backing_servers, {fixtures}):
    print("FOLDER", backing_servers.processes.folder.name, flush=True)
    if {wait}:
        signal.pause()
"""


def _finish(run: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = run.communicate(timeout=120)
    return run.returncode, output


def test_a_test_whose_server_is_missing_is_skipped_with_reason_and_remedy(start_pytest: StartPytest) -> None:
    status, output = _finish(start_pytest(NEEDS_POSTGRES, conftest=NO_SERVERS))

    assert status == 0
    assert "SKIPPED [1] test_inner.py:1: PostgreSQL is not here; run `bring it`" in output
    assert "TESTS NOT RUN: a server is missing" in output


@pytest.mark.parametrize(
    ("module", "reason"),
    [(NEEDS_POSTGRES, "PostgreSQL is not here"), (SKIPS, "no mood"), (SKIPS_MODULE, "no mood")],
    ids=["missing server", "skipped test", "skipped module"],
)
def test_a_skip_is_a_failure_where_skipping_is_forbidden(start_pytest: StartPytest, module: str, reason: str) -> None:
    run = start_pytest(module, conftest=NO_SERVERS, env={"SEXTANT_TEST_NO_SKIP": "1"})
    status, output = _finish(run)

    assert status != 0
    assert reason in output
    assert "SEXTANT_TEST_NO_SKIP=1 forbids skipping" in output


def test_an_expected_failure_is_no_skip(start_pytest: StartPytest) -> None:
    status, output = _finish(start_pytest(EXPECTS_FAILURE, env={"SEXTANT_TEST_NO_SKIP": "1"}))

    assert (status, "1 xfailed" in output) == (0, True)


def test_a_test_carries_the_markers_of_the_servers_it_asks_for(
    request: pytest.FixtureRequest, haproxy_binary: object
) -> None:
    assert haproxy_binary
    assert [marker.name for marker in request.node.iter_markers()] == ["haproxy"]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_no_process_is_left_of_a_run_that_ended(
    start_pytest: StartPytest, assert_nothing_left: Callable[[str], None]
) -> None:
    status, output = _finish(start_pytest(HOLDS_SERVERS.format(fixtures="postgres, rabbitmq", wait=False)))

    assert status == 0, output
    assert_nothing_left(output.partition("FOLDER ")[2].split()[0])


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_of_a_run_that_was_interrupted(
    number: signal.Signals, start_pytest: StartPytest, assert_nothing_left: Callable[[str], None]
) -> None:
    run = start_pytest(HOLDS_SERVERS.format(fixtures="postgres", wait=True))
    assert run.stdout is not None
    folder = next(line.partition("FOLDER ")[2].strip() for line in run.stdout if "FOLDER " in line)

    run.send_signal(number)
    run.communicate(timeout=60)

    assert_nothing_left(folder)
