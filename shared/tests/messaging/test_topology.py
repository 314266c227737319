"""How routing keys are matched, and that every durable queue is bound to something that exists."""

import pytest

from sextant_shared.contract.events import EVENTS
from sextant_shared.messaging.topology import DURABLE_QUEUES, key_matches


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("*.*.5", "task.created.5", True),
        ("*.*.5", "task.created.55", False),
        ("node.changed.*", "node.changed.7", True),
        ("node.changed.*", "node.online.7", False),
        ("*.*", "task.created.5", False),
    ],
)
def test_a_star_stands_for_exactly_one_word(pattern: str, key: str, matches: bool) -> None:  # noqa: FBT001
    assert matches == key_matches(pattern, key)


def test_every_event_type_is_two_words_so_that_its_routing_key_has_three() -> None:
    assert [event.type for event in EVENTS if event.type.count(".") != 1] == []


def test_no_two_queues_share_a_name() -> None:
    assert len(DURABLE_QUEUES) == len({queue.name for queue in DURABLE_QUEUES})
