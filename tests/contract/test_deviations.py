"""The table of what is right where the original is wrong stays alive, and the list of what is wrong with us honest."""

import pytest

from . import recording
from .deviations import DEVIATIONS, deviation_of
from .known_failures import known_failures

CELLS = [cell for suite in recording.SUITES for cell in recording.cells(suite)]


@pytest.mark.parametrize("number", range(len(DEVIATIONS)), ids=lambda number: f"{number}-{DEVIATIONS[number].rule}")
def test_an_entry_concerns_some_recorded_exchange(number: int) -> None:
    deviation = DEVIATIONS[number]
    assert any(deviation_of(cell) is deviation for cell in CELLS)


def test_what_is_known_to_be_wrong_is_in_the_recordings() -> None:
    assert set(known_failures()) <= {f"{cell.suite}::{cell.name}" for cell in CELLS}


def test_every_known_failure_has_a_reason() -> None:
    assert [name for name, reason in known_failures().items() if not reason] == []


def test_a_fault_of_the_original_is_never_the_target() -> None:
    faults = [cell for cell in CELLS if cell.status == 500 and cell.suite != "sockets"]
    assert [cell.name for cell in faults if deviation_of(cell) is None] == []
