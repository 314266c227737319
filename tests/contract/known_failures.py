"""The cells that are not right yet, each group with the reason.

An entry that is right by now fails its test: take it out.
This is the only place for them, and it only gets shorter.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")


@cache
def known_failures() -> Mapping[str, str]:
    """The reason by `suite::name of the cell`."""
    found: dict[str, str] = {}
    reason = ""
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            reason = line.removeprefix("# ")
        elif line:
            found[line] = reason
    return found
