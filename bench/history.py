"""What keeping the history of events costs, and what a stream of RabbitMQ would: `python -m bench.history`.

The figures behind docs/decisions/0014-event-history.md. Everything is done with the very code of the services, on
PostgreSQL and SQLite; the stream is declared beside the topology of the suite.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange
from sqlalchemy import text

from sextant_api.history.service import History
from sextant_api.models import outbox
from sextant_api.schema import prepare
from sextant_shared.clock import SystemClock
from sextant_shared.contract.events import RunLogAppended
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.routing import API
from sextant_shared.db import Database, OutboxDispatcher
from sextant_shared.testing.backing import BackingServers

_ROUNDS = 3
_SINGLE = 300
_WORKERS = 8
_SECONDS = 2.0
_FACTS = 10_000
_PAGE = 100
_STREAM = "bench.history"


def _fact(number: int) -> RunLogAppended:
    return RunLogAppended(
        run_id=number, task_id=number, collaboration_id=3, organization_id=2, log="one line of an algorithm " * 4
    )


def _envelopes(count: int) -> list[Envelope]:
    now = SystemClock().now()
    return [_fact(number).enclosed(message_id=uuid4(), source=API, time=now) for number in range(count)]


async def _record(db: Database, *numbers: int) -> None:
    async with db.transaction() as tx:
        for number in numbers:
            tx.record(_fact(number))


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _keep(db: Database, *, on: bool) -> None:
    """Switch the trigger off and on again."""
    async with db.engine.begin() as connection:
        if db.dialect == "postgresql":
            await connection.execute(text(f"ALTER TABLE outbox {'ENABLE' if on else 'DISABLE'} TRIGGER outbox_history"))
        elif on:
            await connection.exec_driver_sql(_kept[0])
        else:
            found = await connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'outbox_history'"))
            _kept[:] = [found.scalar_one()]
            await connection.execute(text("DROP TRIGGER outbox_history"))


_kept: list[str] = []
"""SQLite's trigger while it is off."""


async def _measure_recording(db: Database) -> tuple[float, float]:
    """Median time of recording one fact, and facts per second of several writers."""
    single = statistics.median([await _timed(lambda: _record(db, 1)) for _ in range(_SINGLE)])
    until, done = time.perf_counter() + _SECONDS, 0

    async def write() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await _record(db, 1)
            done += 1

    took = await _timed(lambda: asyncio.gather(*(write() for _ in range(_WORKERS))))
    return single, done / took


async def _measure_dispatching(db: Database) -> float:
    """Facts per second that go out to a broker that confirms at once."""

    async def confirm(_envelopes: Sequence[Envelope]) -> None:
        return

    dispatcher = OutboxDispatcher(db, outbox, confirm, service=API)
    while await dispatcher.dispatch_once():
        pass
    for _ in range(10):
        await _record(db, *range(_FACTS // 10))

    async def dispatch() -> None:
        while await dispatcher.dispatch_once():
            pass

    return _FACTS / await _timed(dispatch)


async def _measure_reading(db: Database) -> None:
    history = History(db, keep_seconds=3600, keep_events=_FACTS)
    await history.settle()
    start = (await history.read(after=None, limit=1)).newest
    for _ in range(10):
        await _record(db, *range(_FACTS // 10))
    settling = await _timed(history.settle)
    pages = [
        await _timed(lambda after=after: history.read(after=after, limit=_PAGE))  # type: ignore[misc]  # a default
        for after in range(start, start + _FACTS, _PAGE)
    ]
    fresh = []
    for number in range(100):
        end = start + _FACTS + number
        await _record(db, number)
        fresh.append(await _timed(lambda end=end: history.read(after=end, limit=_PAGE)))  # type: ignore[misc]  # as above
    clearing = await _timed(history.tidy)
    print(
        f"{db.dialect:11} order {settling / _FACTS * 1e6:6.0f} us/fact   page of {_PAGE} "
        f"{statistics.median(pages) * 1e3:6.1f} ms   newest fact {statistics.median(fresh) * 1e3:6.1f} ms   "
        f"clear away {clearing / _FACTS * 1e6:6.0f} us/fact"
    )


async def _measure_database(url: str) -> None:
    async with Database(url, source=API, outbox=outbox, pool_size=12) as db:
        await prepare(db)
        found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
        for _ in range(_ROUNDS):
            for on in (False, True):
                if not on:
                    await _keep(db, on=False)
                found[on].append((*await _measure_recording(db), await _measure_dispatching(db)))
                if not on:
                    await _keep(db, on=True)
        for on, rounds in found.items():
            single, several, out = (statistics.median(each) for each in zip(*rounds, strict=True))
            print(
                f"{db.dialect:11} {'with' if on else 'without':7} history: record {single * 1e3:6.2f} ms   "
                f"{_WORKERS} writers {several:6.0f}/s   dispatch {out:6.0f}/s"
            )
        await _measure_reading(db)


async def _publish(exchange: AbstractExchange, envelopes: Sequence[Envelope]) -> None:
    await asyncio.gather(
        *(
            exchange.publish(
                aio_pika.Message(envelope.model_dump_json().encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                envelope.routing_key,
            )
            for envelope in envelopes
        )
    )


async def _publish_all(exchange: AbstractExchange, envelopes: Sequence[Envelope]) -> None:
    for begin in range(0, len(envelopes), 200):
        await _publish(exchange, envelopes[begin : begin + 200])


async def _fetch(channel: AbstractChannel, offset: int, count: int) -> None:
    """Read so many messages from an offset on, as a relay would for one client."""
    queue = await channel.get_queue(_STREAM)
    done, seen = asyncio.Event(), 0

    async def take(message: Any) -> None:
        nonlocal seen
        await message.ack()
        seen += 1
        if seen >= count:
            done.set()

    tag = await queue.consume(take, arguments={"x-stream-offset": offset})
    await done.wait()
    await queue.cancel(tag)


async def _measure_stream(url: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=_PAGE)
        exchange = await channel.declare_exchange("bench.events", aio_pika.ExchangeType.TOPIC)
        listener = await channel.declare_queue(exclusive=True)
        await listener.bind(exchange, "*.*.*")
        envelopes = _envelopes(_FACTS)
        plain = _FACTS / await _timed(lambda: _publish_all(exchange, envelopes))
        stream = await channel.declare_queue(
            _STREAM, durable=True, arguments={"x-queue-type": "stream", "x-max-length-bytes": 50_000_000}
        )
        await stream.bind(exchange, "*.*.*")
        streamed = _FACTS / await _timed(lambda: _publish_all(exchange, envelopes))
        single = statistics.median([await _timed(lambda: _publish(exchange, envelopes[:1])) for _ in range(_SINGLE)])
        pages = [
            await _timed(lambda offset=offset: _fetch(channel, offset, _PAGE))  # type: ignore[misc]  # as above
            for offset in range(0, _FACTS - _PAGE, _FACTS // 50)
        ]
        print(
            f"stream      publish without {plain:6.0f}/s   with {streamed:6.0f}/s   one {single * 1e3:6.2f} ms   "
            f"{_PAGE} from an offset {statistics.median(pages) * 1e3:6.1f} ms"
        )
        await channel.queue_delete(_STREAM)


async def main() -> None:
    """Measure and print."""
    with BackingServers() as servers, tempfile.TemporaryDirectory() as folder:
        postgres = servers.postgres.create_database("history").replace("postgresql://", "postgresql+asyncpg://")
        for url in (postgres, f"sqlite+aiosqlite:///{Path(folder) / 'api.db'}"):
            await _measure_database(url)
        await _measure_stream(servers.rabbitmq.create_vhost())


if __name__ == "__main__":
    asyncio.run(main())
