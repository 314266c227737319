"""The driver itself: a client program in trouble must fail its test quickly and say why."""

import sys
import threading
from pathlib import Path

import pytest

from tests.clients.driver import Program, ProgramError, eventually
from tests.clients.hearing import Journal


class Absent(Program):
    module = "tests.clients.absent"


class Mute(Program):
    module = "this"  # prints a poem and ends without reading a line


def test_the_death_of_a_program_is_told_with_what_it_said_last() -> None:
    with (
        Absent(Path(sys.executable), "http://localhost") as program,
        pytest.raises(ProgramError, match=r"No module named tests\.clients\.absent"),
    ):
        program.ask("heard")


def test_an_answer_that_is_no_answer_is_told() -> None:
    with (
        Mute(Path(sys.executable), "http://localhost") as program,
        pytest.raises(ProgramError, match="The Zen of Python"),
    ):
        program.ask("heard")


def test_waiting_for_a_state_ends_with_the_first_acceptable_answer() -> None:
    answers = iter([1, 2, 3, 4])
    assert eventually(lambda: next(answers), lambda answer: answer > 2) == 3


def test_waiting_in_vain_for_a_state_tells_the_last_answer() -> None:
    with pytest.raises(AssertionError, match="'pending'"):
        eventually(lambda: "pending", lambda status: status == "completed", within=0)


def test_a_journal_wakes_who_waits_for_an_event() -> None:
    journal = Journal()
    threading.Timer(0.05, journal.note, ("new_task", [{"id": 7, "parent_id": None}])).start()
    heard = journal.wait("new_task", matching={"id": 7})
    assert heard == [{"event": "new_task", "arguments": [{"id": 7, "parent_id": None}]}]


def test_a_journal_leaves_out_what_does_not_match() -> None:
    journal = Journal()
    for payload in ([{"id": 7}], [{"id": 8}], [], ["text"]):
        journal.note("new_task", payload)
    assert journal.heard("new_task", {"id": 8}) == [{"event": "new_task", "arguments": [{"id": 8}]}]


def test_waiting_in_vain_for_an_event_tells_what_came_instead() -> None:
    journal = Journal()
    journal.note("sync", [])
    with pytest.raises(TimeoutError, match="'sync'"):
        journal.wait("new_task", within=0)
