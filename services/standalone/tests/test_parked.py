"""`sextant parked` as an operator sees it."""

import asyncio
from typing import Any

import aio_pika
import pytest
from typer.testing import CliRunner, Result

from sextant_shared.clock import SystemClock
from sextant_shared.contract.commands import AppendRunLog
from sextant_shared.ids import new_id
from sextant_shared.messaging.rabbitmq import declare_topology
from sextant_standalone.cli import app

PARKING = "api.commands.parking"


@pytest.fixture
def url(rabbitmq: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a broker with all queues, as services would be given it."""
    address: str = rabbitmq.create_vhost()
    monkeypatch.setenv("SEXTANT_BROKER_URL", address)

    async def declare() -> None:
        async with await aio_pika.connect(address) as connection:
            await declare_topology(await connection.channel())

    asyncio.run(declare())
    return address


def park(url: str, body: bytes) -> None:
    async def publish() -> None:
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            await channel.default_exchange.publish(aio_pika.Message(body), PARKING, mandatory=True)

    asyncio.run(publish())


def sextant(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["parked", *arguments])


def test_a_message_is_counted_shown_and_replayed(url: str) -> None:
    envelope = AppendRunLog(node_id=1, run_id=2, log="[/] hello").enclosed(
        message_id=new_id(), source="relay", time=SystemClock().now()
    )
    park(url, envelope.model_dump_json().encode())

    assert ["api.commands", "1"] in [line.split() for line in sextant("list").output.splitlines()]
    shown = sextant("show", "api.commands").output
    assert str(envelope.id) in shown
    assert "run.append-log by relay" in shown
    assert "[/] hello" in shown
    assert sextant("replay", "api.commands", "--message", str(envelope.id)).output == "1 put into api.commands again.\n"
    assert sextant("show", "api.commands").output == "Nothing is parked of api.commands.\n"


def test_what_is_thrown_away_is_asked_about_first(url: str) -> None:
    envelope = AppendRunLog(node_id=1, run_id=2, log="hello").enclosed(
        message_id=new_id(), source="relay", time=SystemClock().now()
    )
    park(url, envelope.model_dump_json().encode())

    refused = CliRunner().invoke(app, ["parked", "drop", "api.commands", str(envelope.id)], input="n\n")
    assert refused.exit_code == 1
    assert str(envelope.id) in sextant("show", "api.commands").output
    assert sextant("drop", "api.commands", str(envelope.id), "--yes").exit_code == 0
    assert sextant("show", "api.commands").output == "Nothing is parked of api.commands.\n"


def test_a_message_that_is_not_there_is_an_error(url: str) -> None:
    assert url
    for command in (["replay", "api.commands", "--message", "none"], ["drop", "api.commands", "none", "--yes"]):
        answer = sextant(*command)
        assert (answer.exit_code, "no parked message none" in answer.output) == (1, True)


def test_an_unknown_queue_is_told_with_those_that_there_are() -> None:
    answer = sextant("show", "nothing")
    assert answer.exit_code == 2
    assert "api.commands" in answer.output


def test_a_broker_that_is_away_is_told_without_a_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_BROKER_URL", "amqp://guest:guest@127.0.0.1:1/")
    answer = sextant("list")
    assert answer.exit_code == 1
    assert "not available" in answer.output
