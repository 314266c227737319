"""docs/events.md names everything that crosses a process boundary, with the fields that it really has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sextant_shared.contract import socket_events
from sextant_shared.contract.audiences import TABLE
from sextant_shared.contract.commands import COMMANDS
from sextant_shared.contract.events import EVENTS
from sextant_shared.contract.messages import Content

PAGE = (Path(__file__).parent.parent.parent / "docs" / "events.md").read_text(encoding="utf-8")
SOCKET_EVENTS = sorted(
    value
    for name, value in vars(socket_events).items()
    if name.isupper() and isinstance(value, str) and name != "NAMESPACE"
)
SAID_BY_CLIENTS = {
    socket_events.ALGORITHM_STATUS_CHANGE,
    socket_events.ALGORITHM_LOG,
    socket_events.NODE_INFO_UPDATE,
    socket_events.NODE_METRICS_UPDATE,
    socket_events.PING,
    socket_events.MESSAGE,
    socket_events.ERROR,
}


def section(heading: str) -> dict[str, list[str]]:
    """Read the table below a heading: the cells of each row by the names in its first cell."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    body = rest.partition("\n## ")[0]
    rows = [re.split(r" \| ", line.strip("| ")) for line in body.splitlines() if line.startswith("| `")]
    return {name: row for row in rows for name in named(row[0])}


def named(cell: str) -> list[str]:
    """List what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def names(kinds: tuple[type[Content], ...]) -> list[str]:
    return [kind.type for kind in kinds]


@pytest.mark.parametrize("event", EVENTS, ids=names(EVENTS))
def test_a_fact_is_listed_with_its_routing_key_and_its_fields(event: type[Content]) -> None:
    row = section("Facts")[event.type]
    suffix = "<collaboration>" if "collaboration_id" in event.model_fields else "0"
    assert (named(row[1]), named(row[2])) == ([f"{event.type}.{suffix}"], list(event.model_fields))


@pytest.mark.parametrize("command", COMMANDS, ids=names(COMMANDS))
def test_a_command_is_listed_with_its_fields(command: type[Content]) -> None:
    assert named(section("Commands")[command.type][2]) == list(command.model_fields)


def test_nothing_is_listed_that_does_not_exist() -> None:
    assert set(section("Facts")) == {event.type for event in EVENTS}
    assert set(section("Commands")) == {command.type for command in COMMANDS}


def test_every_socket_event_is_listed_where_it_belongs() -> None:
    heard, said = section("Sockets: what clients hear").keys(), section("Sockets: what clients may say").keys()
    assert said == SAID_BY_CLIENTS
    assert heard == set(SOCKET_EVENTS) - (SAID_BY_CLIENTS - heard)
    assert heard >= {socket_events.ALGORITHM_STATUS_CHANGE, socket_events.ALGORITHM_LOG, socket_events.MESSAGE}


@pytest.mark.parametrize("fact", sorted(TABLE))
def test_a_fact_that_sockets_hear_of_is_given_as_the_reason(fact: str) -> None:
    reasons = {name for row in section("Sockets: what clients hear").values() for name in named(row[3])}
    assert fact in reasons
