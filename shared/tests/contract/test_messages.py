"""Every event and command survives its envelope."""

from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sextant_shared.contract.commands import COMMANDS
from sextant_shared.contract.events import EVENTS, NodeChanged, OrganizationChanged
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.ids import new_id
from sextant_shared.messaging.topology import key_matches

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of the types that messages are made of; anything else is no type for a message."""
    if isinstance(annotation, UnionType):
        return st.one_of(*(values(part) for part in get_args(annotation)))
    if get_origin(annotation) is list:
        return st.lists(values(get_args(annotation)[0]), max_size=3)
    if get_origin(annotation) is dict:
        return st.dictionaries(st.text(max_size=5), JSON, max_size=3)
    if issubclass(annotation, BaseModel):
        fields = {name: values(field.annotation) for name, field in annotation.model_fields.items()}
        return st.builds(annotation, **fields)
    if issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    return {bool: st.booleans(), int: st.integers(0, 2**53), str: st.text(max_size=20), NoneType: st.none()}[annotation]


def enclosed(content: Content) -> Envelope:
    return content.enclosed(message_id=new_id(), source="test", time=datetime(2026, 1, 2, 3, 4, 5, 6, UTC))


MESSAGES = [*EVENTS, *COMMANDS]


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.type)
@given(data=st.data())
def test_it_is_read_as_it_was_written(kind: type[Content], data: st.DataObject) -> None:
    content = data.draw(values(kind))

    received = Envelope.model_validate_json(enclosed(content).model_dump_json())

    assert enclosed(content).model_copy(update={"id": received.id}) == received
    assert content == kind.opened(received)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.type)
@given(data=st.data())
def test_whoever_is_bound_to_its_collaboration_hears_it(kind: type[Content], data: st.DataObject) -> None:
    content = data.draw(values(kind))

    collaboration_id = getattr(content, "collaboration_id", None) or 0
    assert key_matches(f"*.*.{collaboration_id}", enclosed(content).routing_key)


def test_no_two_kinds_share_a_name() -> None:
    assert len(MESSAGES) == len({kind.type for kind in MESSAGES})


def test_what_another_kind_says_is_not_read() -> None:
    envelope = enclosed(OrganizationChanged(organization_id=1, name="n"))

    with pytest.raises(ValueError, match=r"node\.changed"):
        NodeChanged.opened(envelope)


def test_a_version_that_is_not_known_is_not_read() -> None:
    envelope = enclosed(OrganizationChanged(organization_id=1, name="n")).model_copy(update={"version": 2})

    with pytest.raises(ValueError, match="v1 expected"):
        OrganizationChanged.opened(envelope)


def test_fields_that_are_not_known_yet_are_passed_over() -> None:
    envelope = enclosed(OrganizationChanged(organization_id=1, name="n"))
    newer = envelope.model_copy(update={"data": {**envelope.data, "colour": "blue"}})

    assert OrganizationChanged.opened(newer) == OrganizationChanged(organization_id=1, name="n")
