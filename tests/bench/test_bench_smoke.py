"""The benchmark runs from end to end over each shape, without a failed request, and writes what it found."""

import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

import orjson
import pytest

from bench.__main__ import main
from bench.jobs import JOBS
from bench.plan import QUICK
from sextant_shared.testing.backing import BackingServers

pytestmark = pytest.mark.slow


class Run(NamedTuple):
    """What came of a quick run."""

    status: int
    printed: str
    written: dict[str, Any]


@pytest.fixture(scope="module", params=["standalone", "distributed"])
def run(
    request: pytest.FixtureRequest, backing_servers: BackingServers, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A quick run over one shape."""
    output = tmp_path_factory.mktemp("bench") / "result.json"
    printed = StringIO()
    with redirect_stdout(printed):
        status = main(["--quick", "--shapes", request.param, "--output", str(output)], servers=backing_servers)
    return Run(status, printed.getvalue(), orjson.loads(output.read_bytes()))


def test_every_job_is_measured_without_a_failed_request(run: Run) -> None:
    cells = run.written["cells"]

    assert [(cell["job"], cell["clients"], cell["error_texts"]) for cell in cells if cell["errors"]] == []
    assert {job.name for job in JOBS} == {cell["job"] for cell in cells}
    assert [cell["job"] for cell in cells if cell["requests"] < 1] == []
    assert run.status == 0


def test_the_file_says_what_was_measured_where(run: Run) -> None:
    assert run.written["format"] == 1
    assert run.written["machine"]["cores"] >= 1
    assert run.written["machine"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert run.written["plan"]["clients"] == list(QUICK.clients)
    for cell in run.written["cells"]:
        assert cell["p50_ms"] <= cell["p95_ms"] <= cell["p99_ms"] <= cell["max_ms"]


def test_the_table_names_every_job(run: Run) -> None:
    assert [job.name for job in JOBS if job.name not in run.printed] == []


def test_it_is_a_program(pytestconfig: pytest.Config) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd=pytestconfig.rootpath,
    )

    assert "--quick" in done.stdout
