"""What stands in the logs, and what does not."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import logging, sys
import structlog
from sextant_shared.logging import configure_logging

configure_logging(level="info", fmt=sys.argv[1], service="test")

def fail(token):
    raise RuntimeError("no luck")

try:
    fail("hunter2")
except RuntimeError:
    structlog.get_logger("ours").exception("thing_failed", thing_id=7)
    logging.getLogger("theirs").exception("library failed")
structlog.get_logger("ours").debug("not_shown")
"""


def logged(fmt: str) -> str:
    program = [sys.executable, "-c", _PROGRAM, fmt]
    done = subprocess.run(program, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_an_exception_is_logged_with_its_trace_but_without_the_values_of_its_variables(fmt: str) -> None:
    text = logged(fmt)

    assert text.count("RuntimeError: no luck") == 2
    assert "in fail" in text
    assert "hunter2" not in text


def test_json_logs_are_one_object_a_line_whoever_logs() -> None:
    ours, theirs = (json.loads(line) for line in logged("json").splitlines())

    assert (ours["event"], ours["thing_id"], ours["level"], ours["service"]) == ("thing_failed", 7, "error", "test")
    assert (theirs["event"], theirs["level"], theirs["service"]) == ("library failed", "error", "test")
    assert {"timestamp"} < set(ours) & set(theirs)


def test_what_is_below_the_level_is_not_logged() -> None:
    assert "not_shown" not in logged("console")
