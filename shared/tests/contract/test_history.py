"""Offsets, pages, and what an entry of the history means for those who listen."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sextant_shared.clock import SystemClock
from sextant_shared.contract.events import MembershipChanged, RunStatusChanged, TaskCreated
from sextant_shared.contract.history import Entry, HistoryPage, Offset, parts, traceable
from sextant_shared.contract.messages import Content
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.ids import new_id

EPOCH, OTHER = UUID(int=1), UUID(int=2)
CHANGE = RunStatusChanged(
    run_id=5, task_id=4, job_id=1, parent_id=None, collaboration_id=3, organization_id=2, node_id=7,
    status=RunStatus.ACTIVE,
)  # fmt: skip
TASK = TaskCreated(task_id=4, parent_id=None, job_id=4, collaboration_id=3, organization_ids=[2])


def entry(number: int, content: Content) -> Entry:
    envelope = content.enclosed(message_id=new_id(), source="test", time=SystemClock().now())
    return Entry(number=number, envelope=envelope)


def page(oldest: int, newest: int) -> HistoryPage:
    return HistoryPage(epoch=EPOCH, oldest=oldest, newest=newest, reached=newest, entries=[])


@given(st.uuids(), st.integers(0, 10**18 - 1), st.integers(0, 9))
def test_an_offset_is_read_as_it_was_written(epoch: UUID, number: int, count: int) -> None:
    offset = Offset(epoch, number, count)
    assert Offset.parse(str(offset)) == offset


@pytest.mark.parametrize(
    "text",
    ["", "7", ".7", "x.7", f"{EPOCH.hex}", f"{EPOCH.hex}.", f"{EPOCH.hex}.-7", f"{EPOCH.hex}.7.1.1",
     f"{EPOCH.hex}.\u0667", f"{EPOCH.hex}.{'9' * 19}", f"{EPOCH.hex}. 7"],
)  # fmt: skip
def test_what_is_no_offset_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one does not matter
        Offset.parse(text)


def test_the_events_of_a_fact_have_growing_offsets_between_those_of_its_neighbours() -> None:
    offsets = [part.offset for number in (6, 7) for part in parts(EPOCH, entry(number, CHANGE))]
    assert offsets == [Offset(EPOCH, 5, 1), Offset(EPOCH, 6), Offset(EPOCH, 6, 1), Offset(EPOCH, 7)]
    assert offsets == sorted(set(offsets))


def test_a_fact_that_is_one_event_has_its_own_number() -> None:
    assert [part.offset for part in parts(EPOCH, entry(6, TASK))] == [Offset(EPOCH, 6)]


def test_a_fact_that_sockets_do_not_hear_of_has_no_events() -> None:
    assert list(parts(EPOCH, entry(6, MembershipChanged(collaboration_id=3, organization_ids=[], revision=1)))) == []


def test_a_fact_of_a_version_that_is_not_known_here_has_no_events() -> None:
    newer = entry(6, TASK)
    envelope = newer.envelope.model_copy(update={"version": 99})
    assert list(parts(EPOCH, newer.model_copy(update={"envelope": envelope}))) == []


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (Offset(EPOCH, 10), True),
        (Offset(EPOCH, 5), True),
        (Offset(EPOCH, 4), True),
        (Offset(EPOCH, 4, 1), True),
        (Offset(EPOCH, 3), False),
        (Offset(EPOCH, 11), False),
        (Offset(OTHER, 5), False),
    ],
)
def test_a_page_continues_what_was_read_unless_something_between_is_gone(
    offset: Offset,
    expected: bool,  # noqa: FBT001
) -> None:
    assert page(5, 10).continues(offset) is expected


def test_an_empty_history_continues_its_own_end() -> None:
    assert (page(11, 10).continues(Offset(EPOCH, 10)), page(11, 10).continues(Offset(EPOCH, 9))) == (True, False)


def test_an_event_without_payload_becomes_traceable_too() -> None:
    assert traceable(None, UUID(int=9), Offset(EPOCH, 3)) == {
        "event_id": "00000000-0000-0000-0000-000000000009",
        "offset": f"{EPOCH.hex}.3",
    }
