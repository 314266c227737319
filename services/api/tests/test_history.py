"""The history of events: in order, once each, bounded, and of one epoch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest

from services.api.tests.kit import Api
from sextant_api.history import repository
from sextant_api.history.service import History
from sextant_api.models import event_history, outbox
from sextant_shared.contract.events import NodeOnline
from sextant_shared.contract.history import HistoryPage
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.routing import API, RELAY
from sextant_shared.db import Database, OutboxDispatcher


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The same database, as another replica sees it."""
    async with Database(database_url, source=API, outbox=outbox, pool_size=5) as db:
        yield db


def fact(number: int, collaboration_id: int = 3) -> NodeOnline:
    return NodeOnline(node_id=number, name="n", organization_id=2, collaboration_id=collaboration_id)


async def record(db: Database, *numbers: int, collaboration_id: int = 3) -> None:
    async with db.transaction() as tx:
        for number in numbers:
            tx.record(fact(number, collaboration_id))


def kept(api: Api, **bounds: float) -> History:
    return History(api.db, keep_seconds=bounds.get("seconds", 3600), keep_events=int(bounds.get("events", 1000)))


async def end(api: Api) -> HistoryPage:
    return await kept(api).read(after=None, limit=1)


async def since(api: Api, position: int, **how: Sequence[int]) -> HistoryPage:
    return await kept(api).read(after=position, limit=1000, collaborations=how.get("collaborations"))


def nodes(page: HistoryPage) -> list[int]:
    return [entry.envelope.data["node_id"] for entry in page.entries]


async def test_facts_stand_in_the_history_in_their_order_and_without_holes(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, 1, 2)
    await record(api.db, 3)
    page = await since(api, start)

    assert [(entry.number - start, entry.envelope.data["node_id"]) for entry in page.entries] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert (page.newest, page.reached, page.is_last) == (start + 3, start + 3, True)


async def test_the_history_holds_the_very_envelope_that_is_published(api: Api) -> None:
    start = (await end(api)).newest
    await api.forget_events()
    await record(api.db, 1)

    assert [entry.envelope for entry in (await since(api, start)).entries] == await api.events()


async def test_what_was_not_committed_is_not_in_the_history(api: Api) -> None:
    start = (await end(api)).newest
    with pytest.raises(ZeroDivisionError):
        async with api.db.transaction() as tx:
            tx.record(fact(1))
            await tx.write_outbox()
            raise ZeroDivisionError

    assert (await since(api, start)).entries == []


async def test_the_history_is_read_in_pages(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, *range(5))
    read, position, last = [], start, False
    while not last:
        page = await kept(api).read(after=position, limit=2)
        read.append(nodes(page))
        position, last = page.reached, page.is_last

    assert read == [[0, 1], [2, 3], [4]]


async def test_reading_of_some_collaborations_passes_over_the_others(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, 1)
    await record(api.db, 2, 3, collaboration_id=8)
    page = await since(api, start, collaborations=[3])

    assert (nodes(page), page.reached - start) == ([1], 3)


async def test_nothing_is_of_no_collaboration(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, 1)

    assert (await since(api, start, collaborations=[])).entries == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
async def test_a_fact_that_becomes_visible_late_comes_after_all_that_was_read_before(api: Api, other: Database) -> None:
    start = (await end(api)).newest
    async with api.db.transaction() as slow:
        slow.record(fact(1))
        await slow.write_outbox()
        slow_is_written = slow.recorded
        slow._recorded.clear()
        await record(other, 2)
        before = await since(api, start)
    after = await since(api, start)

    assert [len(slow_is_written), nodes(before), nodes(after)] == [1, [2], [2, 1]]


async def test_a_fact_that_is_published_twice_has_one_position(api: Api) -> None:
    start = (await end(api)).newest
    await api.forget_events()
    await record(api.db, 1)
    published: list[Envelope] = []

    async def confirm_then_die(envelopes: Sequence[Envelope]) -> None:
        published.extend(envelopes)
        raise asyncio.CancelledError

    async def confirm(envelopes: Sequence[Envelope]) -> None:
        published.extend(envelopes)

    dying = asyncio.create_task(OutboxDispatcher(api.db, outbox, confirm_then_die, service=API).dispatch_once())
    await asyncio.gather(dying, return_exceptions=True)
    between = await since(api, start)
    await OutboxDispatcher(api.db, outbox, confirm, service=API).dispatch_once()
    after = await since(api, start)

    assert [envelope.id for envelope in published] == [after.entries[0].envelope.id] * 2
    assert (between.entries, after.entries[1:]) == (after.entries, [])


async def test_replicas_that_order_at_once_give_no_position_twice(api: Api, other: Database) -> None:
    start = (await end(api)).newest
    replicas = [kept(api), History(other, keep_seconds=3600, keep_events=1000)]

    async def work(number: int) -> HistoryPage:
        await record(replicas[number % 2]._db, number)
        return await replicas[number % 2].read(after=start, limit=1000)

    pages = await asyncio.gather(*(work(number) for number in range(30)))
    whole = await since(api, start)

    assert [entry.number for entry in whole.entries] == list(range(start + 1, start + 31))
    assert sorted(nodes(whole)) == list(range(30))
    assert all(page.entries == whole.entries[: len(page.entries)] for page in pages)


async def test_who_recorded_something_reads_it(api: Api) -> None:
    for number in range(5):
        start = (await end(api)).newest
        await record(api.db, number)
        assert nodes(await since(api, start)) == [number]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite one process is all there is
async def test_while_a_replica_is_stuck_the_history_is_read_as_far_as_it_is_in_order(
    api: Api, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sextant_api.history.service._PATIENCE_SECONDS", 0.1)
    start = (await end(api)).newest
    await record(api.db, 1)
    assert nodes(await since(api, start)) == [1]
    async with other.transaction() as stuck:
        await repository.claim(stuck.session)
        await record(api.db, 2)
        meanwhile = await since(api, start)
    afterwards = await since(api, start)

    assert [nodes(meanwhile), nodes(afterwards)] == [[1], [1, 2]]


async def test_more_than_the_allowed_number_is_not_kept(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, *range(10))
    await kept(api, events=4).tidy()
    page = await since(api, start)

    assert (nodes(page), page.oldest - start, await api.count(event_history)) == ([6, 7, 8, 9], 7, 4)


async def test_what_is_too_old_is_not_kept(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, 1, 2)
    await api.pass_time(3601)
    await record(api.db, 3)
    await kept(api, seconds=3600).tidy()

    assert nodes(await since(api, start)) == [3]


async def test_a_history_of_which_nothing_is_kept_goes_on_counting(api: Api) -> None:
    await record(api.db, 1, 2)
    await api.pass_time(3601)
    await kept(api).tidy()
    emptied = await end(api)
    await record(api.db, 3)
    page = await since(api, emptied.newest)

    assert (emptied.oldest, await api.count(event_history)) == (emptied.newest + 1, 1)
    assert [entry.number for entry in page.entries] == [emptied.newest + 1]


async def test_much_is_cleared_away_in_portions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sextant_api.history.service._AT_ONCE", 3)
    await record(api.db, *range(10))
    await kept(api, events=1).tidy()

    assert await api.count(event_history) == 1


async def test_clearing_away_leaves_alone_what_is_within_bounds(api: Api) -> None:
    await record(api.db, 1, 2)
    before = await since(api, 0)
    await kept(api).tidy()

    assert await since(api, 0) == before


async def test_a_new_epoch_begins_with_nothing(api: Api) -> None:
    await record(api.db, 1)
    before = await end(api)
    async with api.db.transaction() as tx:
        await repository.begin_epoch(tx.session, epoch := uuid4())
    after = await end(api)

    assert (after.epoch, after.newest, await api.count(event_history)) == (epoch, 0, 0)
    assert after.epoch != before.epoch


async def test_relay_reads_the_history(api: Api) -> None:
    start = (await end(api)).newest
    await record(api.db, 1)
    await record(api.db, 2, collaboration_id=8)
    await record(api.db, 3, collaboration_id=9)
    token = api.auth.service_token(RELAY)
    answer = await api.get("/internal/events", token, after=start, limit=5, collaboration_id=[3, 9])

    page = HistoryPage.model_validate(answer.json())
    assert (nodes(page), page.reached - start) == ([1, 3], 3)


async def test_nobody_but_relay_reads_it_whole(api: Api) -> None:
    answers = [await api.get("/internal/events", caller) for caller in (api.root, api.auth.service_token("auth"), None)]

    assert [answer.status_code for answer in answers] == [422, 403, 401]
