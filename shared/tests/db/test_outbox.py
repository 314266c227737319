"""What the outbox promises, when all goes well and when it does not."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeOnline
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database, OutboxDispatcher

from .conftest import outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def fact(number: int) -> NodeOnline:
    return NodeOnline(node_id=number, name="n", organization_id=2, collaboration_id=3)


async def record(db: Database, *numbers: int) -> None:
    async with db.transaction() as tx:
        for number in numbers:
            tx.record(fact(number))


class Broker:
    """Remembers what it confirmed; may be away, or die after confirming."""

    def __init__(self) -> None:
        self.confirmed: list[int] = []
        self.away = False
        self.news = asyncio.Event()

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if self.away:
            raise UnavailableError("away")
        self.confirmed += [int(envelope.data["node_id"]) for envelope in envelopes]
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.confirmed) < count:
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def running(db: Database, broker: Broker) -> "AsyncIterator[OutboxDispatcher]":
    dispatcher = OutboxDispatcher(db, outbox, broker.publish, service="test")
    task = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_facts_are_published_in_order_and_then_gone(db: Database) -> None:
    broker = Broker()
    dispatcher = OutboxDispatcher(db, outbox, broker.publish, service="test")
    await record(db, *range(1, 6))

    sent = await dispatcher.dispatch_once()

    assert (5, [1, 2, 3, 4, 5], 0) == (sent, broker.confirmed, await dispatcher.dispatch_once())


async def test_facts_wait_while_the_broker_is_away_and_go_out_when_it_is_back(db: Database) -> None:
    broker = Broker()
    broker.away = True
    async with running(db, broker) as dispatcher:
        await record(db, 1, 2)
        assert (await dispatcher.measure())[0] == 2

        broker.away = False
        await broker.until(2)

    assert broker.confirmed == [1, 2]


async def test_a_dispatcher_that_dies_between_confirm_and_delete_publishes_again(db: Database) -> None:
    broker = Broker()

    async def confirm_then_die(envelopes: Sequence[Envelope]) -> None:
        await broker.publish(envelopes)
        raise asyncio.CancelledError

    await record(db, 1)
    dying = asyncio.create_task(OutboxDispatcher(db, outbox, confirm_then_die, service="test").dispatch_once())
    await asyncio.gather(dying, return_exceptions=True)
    await OutboxDispatcher(db, outbox, broker.publish, service="test").dispatch_once()

    assert broker.confirmed == [1, 1]


async def test_a_running_dispatcher_is_woken_by_a_commit(db: Database) -> None:
    broker = Broker()
    async with running(db, broker):
        for number in range(1, 21):
            await record(db, number)
            await broker.until(number)

    assert broker.confirmed == list(range(1, 21))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_two_dispatchers_share_the_rows_without_publishing_any_twice(db: Database) -> None:
    broker = Broker()
    await record(db, *range(1, 401))
    async with running(db, broker), running(db, broker) as dispatcher:
        await broker.until(400)
        # one that is ended between confirm and delete leaves its rows to the other
        async with asyncio.timeout(10):
            while (await dispatcher.measure())[0]:
                await asyncio.sleep(0.01)

    assert sorted(broker.confirmed) == list(range(1, 401))


async def test_rows_of_another_replica_are_heard_of_on_postgresql(url: str, db: Database) -> None:
    broker = Broker()
    async with running(db, broker), Database(url, source="other", outbox=outbox) as other:
        await record(other, 1)
        await broker.until(1)

    assert broker.confirmed == [1]
