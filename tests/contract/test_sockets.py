"""What everybody hears on the event channel, by both transports: one test for each recorded case."""

from typing import Any

import pytest

from . import audiences, recording
from .conftest import check
from .recording import Cell
from .replay import Seen, value_differences
from .session import Outcome, Session
from .sockets import found

pytestmark = pytest.mark.slow

_LEFT_OUT = {
    "rule given while connected": "which rule was given, and to whom, is not told",
    "policy": "what the node had said about its policy before is not told",
}


@pytest.mark.parametrize("case", recording.cases("sockets"))
def test_everybody_hears_what_is_meant_for_it(session: Session, case: str, pytestconfig: pytest.Config) -> None:
    transport = case.partition("/")[0]
    stage = session.play(transport)
    outcomes = [judged(cell, found(stage, cell)) for cell in recording.cases("sockets")[case]]
    check(outcomes, session.world.server.name, pytestconfig)


def judged(cell: Cell, shown: Any) -> Outcome:
    """How a cell went."""
    left_out = next((why for what, why in _LEFT_OUT.items() if f"/{what}" in cell.case), None)
    if shown is None and "/bad expired" in cell.case:
        left_out = "no expired token can be made from outside"
    if left_out is not None:
        return Outcome(cell, left_out=left_out)
    if shown is None:
        return Outcome(cell, ["nothing of this happened"])
    if isinstance(shown, Seen):
        rule, problems = audiences.judged(cell, shown)
        return Outcome(cell, problems, rule)
    if "events" not in cell.body:
        rule = "sockets-unauthenticated" if "still" in cell.body else None
        return Outcome(cell, [] if rule else value_differences(cell.body, shown), rule)
    expected, rule = audiences.expected(cell)
    known, heard = [plain(event) for event in expected], [plain(event) for event in shown["events"]]
    missing = [f"does not hear {event}" for event in known if event not in heard]
    more = [f"hears {event}" for event in heard if event not in known and not audiences.allowed(cell, event)]
    again = [f"hears {event} again" for event in known if heard.count(event) > known.count(event)]
    return Outcome(cell, missing + more + again, rule)


def plain(event: list[Any]) -> list[Any]:
    """An event without the signs that only set apart what is in a text for people."""
    return [one.replace("<", "").replace(">", "") if isinstance(one, str) else one for one in event]
