"""Commands on their way to api."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.relay.tests.kit import eventually
from sextant_relay import outgoing as outgoing_module
from sextant_relay.outgoing import MAX_LOG_CHARS, MAX_UNDROPPABLE, MAX_WAITING, Outgoing
from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import (
    AppendRunLog,
    CloseConnection,
    OpenConnection,
    ReportNodeInfo,
    ReportRunStatus,
)
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.messaging import API_COMMANDS


class FakeBus:
    """Takes commands one by one, unless it is away or held."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.tried: list[Envelope] = []
        self.down = False
        self.broken: type[Content] | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, queue: Any, envelope: Envelope) -> None:
        assert queue is API_COMMANDS
        self.tried.append(envelope)
        await self.open.wait()
        if self.down:
            raise UnavailableError("The message broker is not available at the moment")
        if self.broken is not None and envelope.type == self.broken.type:
            raise TypeError("this cannot be sent")
        self.sent.append(envelope)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
async def outgoing(bus: FakeBus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outgoing]:
    monkeypatch.setattr(outgoing_module, "_BACKOFF_SECONDS", (0.01,))
    made = Outgoing(bus, SystemClock())  # type: ignore[arg-type]  # it sends, and that is all that is asked of it
    yield made
    await made.close()


def line(number: int, text: str = "") -> AppendRunLog:
    return AppendRunLog(node_id=7, run_id=5, log=text or str(number))


def status(text: str) -> ReportRunStatus:
    return ReportRunStatus(node_id=7, run_id=5, status=text)


def opening() -> OpenConnection:
    return OpenConnection(connection_id="c", node_id=7, collaboration_id=3, lease_seconds=40)


def closing() -> CloseConnection:
    return CloseConnection(connection_id="c", node_id=7)


def sent(bus: FakeBus) -> list[str]:
    return [str(envelope.data.get("log") or envelope.data.get("status") or envelope.type) for envelope in bus.sent]


async def test_commands_of_a_connection_keep_their_order(outgoing: Outgoing, bus: FakeBus) -> None:
    for command in (opening(), line(1), status("active"), line(2), closing()):
        outgoing.put("c", command)
    await outgoing.flushed()
    assert sent(bus) == ["connection.open", "1", "active", "2", "connection.close"]


async def test_one_connection_does_not_hold_up_another(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.open.clear()
    outgoing.put("one", line(1))
    outgoing.put("two", line(2))
    await eventually(lambda: len(bus.tried) == 2)
    assert [envelope.data["log"] for envelope in bus.tried] == ["1", "2"]


async def test_nothing_is_lost_or_reordered_while_the_broker_is_away(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    for number in range(3):
        outgoing.put("c", line(number))
    await eventually(lambda: len(bus.tried) > 3)
    bus.down = False
    await outgoing.flushed()
    assert sent(bus) == ["0", "1", "2"]


async def test_a_repeated_command_keeps_its_id(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    outgoing.put("c", line(1))
    await eventually(lambda: len(bus.tried) > 2)
    assert len({envelope.id for envelope in bus.tried}) == 1


async def test_the_oldest_log_lines_go_when_too_much_waits(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    outgoing.put("c", status("active"))
    await eventually(lambda: bus.tried)
    for number in range(MAX_WAITING + 10):
        outgoing.put("c", line(number))
    outgoing.put("c", status("completed"))
    bus.down = False
    await outgoing.flushed()
    kept = [str(number) for number in range(10, MAX_WAITING + 10)]
    assert sent(bus) == ["active", *kept, "completed"]


async def test_long_log_lines_are_bounded_by_their_length(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    outgoing.put("c", status("active"))
    await eventually(lambda: bus.tried)
    for letter in "abc":
        outgoing.put("c", line(0, letter * (MAX_LOG_CHARS // 2)))
    bus.down = False
    await outgoing.flushed()
    assert [text[0] for text in sent(bus)] == ["a", "b", "c"]


async def test_status_reports_are_never_dropped_for_log_lines(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    reports = [ReportRunStatus(node_id=7, run_id=number, status="active") for number in range(1, MAX_WAITING + 2)]
    for report in reports:
        outgoing.put("c", report)
        outgoing.put("c", line(report.run_id))
    bus.down = False
    await outgoing.flushed()
    assert [each.data["run_id"] for each in bus.sent if each.type == ReportRunStatus.type] == [
        report.run_id for report in reports
    ]


async def test_a_connection_that_reports_without_end_is_noticed(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.down = True
    outgoing.put("c", opening())
    await eventually(lambda: bus.tried)
    taken = [
        outgoing.put("c", ReportRunStatus(node_id=7, run_id=number, status="active"))
        for number in range(1, MAX_UNDROPPABLE + 2)
    ]
    assert taken == [True] * MAX_UNDROPPABLE + [False]


async def test_only_the_newest_settings_wait(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.open.clear()
    outgoing.put("c", opening())
    await eventually(lambda: bus.tried)
    for value in ("old", "new"):
        outgoing.put("c", ReportNodeInfo(node_id=7, info={"key": value}))
    bus.open.set()
    await outgoing.flushed()
    assert [envelope.data["info"] for envelope in bus.sent[1:]] == [{"key": "new"}]


async def test_a_command_that_waits_can_be_taken_back(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.open.clear()
    outgoing.put("c", line(1))
    await eventually(lambda: bus.tried)
    outgoing.put("c", opening())
    taken_back = [outgoing.withdraw("c", OpenConnection), outgoing.withdraw("c", OpenConnection)]
    bus.open.set()
    await outgoing.flushed()
    assert (taken_back, sent(bus)) == ([True, False], ["1"])


async def test_a_command_that_cannot_be_sent_does_not_hold_up_the_others(outgoing: Outgoing, bus: FakeBus) -> None:
    bus.broken = AppendRunLog
    outgoing.put("c", line(1))
    outgoing.put("c", status("completed"))
    await outgoing.flushed()
    assert sent(bus) == ["completed"]


async def test_a_lane_can_be_used_again_after_it_was_empty(outgoing: Outgoing, bus: FakeBus) -> None:
    outgoing.put("c", line(1))
    await outgoing.flushed()
    outgoing.put("c", line(2))
    await outgoing.flushed()
    assert sent(bus) == ["1", "2"]
