"""Shifts the clock of one process: Python reads this module at its start where its folder is on `PYTHONPATH`.

Our programs ask two places for the time, `time.time` and `SystemClock`; monotonic time goes on undisturbed, as it does
when an operator sets a clock. The file named in `SEXTANT_TEST_CLOCK` holds the seconds to add, and may change.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from sextant_shared.clock import SystemClock

_LOOK_EVERY_SECONDS = 0.1

_file = Path(os.environ["SEXTANT_TEST_CLOCK"])
_true_time = time.time
_offset = float(_file.read_text())
_looked_at = time.monotonic()


def _shifted_time() -> float:
    global _offset, _looked_at
    if time.monotonic() - _looked_at > _LOOK_EVERY_SECONDS:
        _offset, _looked_at = float(_file.read_text()), time.monotonic()
    return _true_time() + _offset


def _shifted_now(_self: SystemClock) -> datetime:
    return datetime.fromtimestamp(_shifted_time(), UTC)


time.time = _shifted_time
SystemClock.now = _shifted_now  # type: ignore[method-assign, assignment]
