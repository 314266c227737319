"""The AsyncAPI document: up to date, whole, and true about what is really sent."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sextant_shared.contract import socket_events
from sextant_shared.contract.audiences import TABLE, emissions
from sextant_shared.contract.commands import COMMANDS
from sextant_shared.contract.events import EVENTS
from sextant_shared.contract.messages import Content

ROOT = Path(__file__).parent.parent.parent
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/asyncapi.json").read_text())
NAMES = {value for name, value in vars(socket_events).items() if name.isupper() and name != "NAMESPACE"}

FREE = st.dictionaries(st.text(), st.none() | st.integers() | st.text())
"""What a node shares as it likes."""


def references(part: Any) -> Iterator[str]:
    yield from re.findall(r'"\$ref": "([^"]+)"', json.dumps(part))


def resolved(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def validator_of(message: str) -> jsonschema.Draft202012Validator:
    payload = DOCUMENT["components"]["messages"][message]["payload"]
    return jsonschema.Draft202012Validator({**payload, "components": DOCUMENT["components"]})


def test_the_document_is_up_to_date() -> None:
    done = subprocess.run(  # noqa: S603 - a script of ours
        [sys.executable, ROOT / "scripts/asyncapi.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        assert resolved(reference)


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_message_of_the_contract_is_described_and_no_other() -> None:
    described = set(DOCUMENT["components"]["messages"])
    on_sockets = {name.split(".", 2)[2] for name in described if name.startswith("socket.")}
    assert on_sockets == NAMES
    assert {name for name in described if name.startswith("fact.")} == {f"fact.{event.type}" for event in EVENTS}
    assert {name for name in described if name.startswith("command.")} == {
        f"command.{command.type}" for command in COMMANDS
    }


@pytest.mark.parametrize("content", [*EVENTS, *COMMANDS], ids=lambda content: content.type)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_published_is_as_described(content: type[Content], data: st.DataObject) -> None:
    free = {name: FREE for name, field in content.model_fields.items() if field.annotation == dict[str, Any]}
    said = data.draw(st.builds(content, **free))
    envelope = said.enclosed(message_id=uuid4(), source="test", time=datetime.now(UTC))
    kind = "fact" if content in EVENTS else "command"
    validator_of(f"{kind}.{content.type}").validate(envelope.model_dump(mode="json"))


@pytest.mark.parametrize("fact", [row[0] for row in TABLE.values()], ids=list(TABLE))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_sockets_hear_is_as_described(fact: type[Content], data: st.DataObject) -> None:
    said = data.draw(st.from_type(fact))
    envelope = said.enclosed(message_id=uuid4(), source="test", time=datetime.now(UTC))
    for emission in emissions(envelope):
        message = f"socket.send.{emission.event}"
        if emission.payload is None:
            assert "payload" not in DOCUMENT["components"]["messages"][message]
        else:
            validator_of(message).validate(emission.payload)
