"""Which events a replica hears."""

import asyncio

import pytest

from sextant_relay.interest import Interest, about


class FakeBroadcast:
    """Remembers bindings; can be slow or fail."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.calls: list[str] = []
        self.failing = False
        self.open = asyncio.Event()
        self.open.set()

    async def bind(self, key: str) -> None:
        self.calls.append(f"bind {key}")
        await self.open.wait()
        if self.failing:
            raise RuntimeError("no")
        self.bound.add(key)

    async def unbind(self, key: str) -> None:
        self.calls.append(f"unbind {key}")
        await self.open.wait()
        self.bound.discard(key)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


KEY = about(3)


@pytest.fixture
def broadcast() -> FakeBroadcast:
    return FakeBroadcast()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def interest(broadcast: FakeBroadcast, time: Time) -> Interest:
    return Interest(broadcast, linger_seconds=30, monotonic=time)


async def test_a_key_is_bound_once_however_many_need_it(interest: Interest, broadcast: FakeBroadcast) -> None:
    await interest.acquire([KEY])
    await interest.acquire([KEY])
    assert broadcast.calls == [f"bind {KEY}"]


async def test_nobody_goes_on_before_the_key_is_bound(interest: Interest, broadcast: FakeBroadcast) -> None:
    broadcast.open.clear()
    waiting = [asyncio.create_task(interest.acquire([KEY])) for _ in range(2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [False, False]
    broadcast.open.set()
    await asyncio.gather(*waiting)
    assert broadcast.bound == {KEY}


async def test_a_key_stays_bound_while_somebody_needs_it(
    interest: Interest, broadcast: FakeBroadcast, time: Time
) -> None:
    await interest.acquire([KEY])
    await interest.acquire([KEY])
    interest.release([KEY])
    time.now = 100
    await interest.let_go()
    assert broadcast.bound == {KEY}


async def test_a_key_that_nobody_needs_is_let_go_after_a_while(
    interest: Interest, broadcast: FakeBroadcast, time: Time
) -> None:
    await interest.acquire([KEY])
    interest.release([KEY])
    time.now = 29
    await interest.let_go()
    kept = set(broadcast.bound)
    time.now = 30
    await interest.let_go()
    assert (kept, broadcast.bound) == ({KEY}, set())


async def test_a_reconnect_in_that_while_does_not_go_through_the_broker(
    interest: Interest, broadcast: FakeBroadcast, time: Time
) -> None:
    await interest.acquire([KEY])
    interest.release([KEY])
    time.now = 20
    await interest.acquire([KEY])
    time.now = 100
    await interest.let_go()
    assert (broadcast.calls, broadcast.bound) == ([f"bind {KEY}"], {KEY})


async def test_a_key_needed_again_while_it_is_let_go_ends_up_bound(
    interest: Interest, broadcast: FakeBroadcast, time: Time
) -> None:
    await interest.acquire([KEY])
    interest.release([KEY])
    time.now = 30
    broadcast.open.clear()
    letting_go = asyncio.create_task(interest.let_go())
    await asyncio.sleep(0)
    again = asyncio.create_task(interest.acquire([KEY]))
    await asyncio.sleep(0)
    broadcast.open.set()
    await asyncio.gather(letting_go, again)
    assert (broadcast.calls[-2:], broadcast.bound) == ([f"unbind {KEY}", f"bind {KEY}"], {KEY})


async def test_one_who_gives_up_waiting_does_not_take_the_binding_from_the_others(
    interest: Interest, broadcast: FakeBroadcast
) -> None:
    broadcast.open.clear()
    one, other = (asyncio.create_task(interest.acquire([KEY])) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    broadcast.open.set()
    await other
    assert (one.cancelled(), broadcast.bound) == (True, {KEY})


async def test_a_binding_that_failed_is_tried_again_by_the_next(
    interest: Interest, broadcast: FakeBroadcast, time: Time
) -> None:
    broadcast.failing = True
    with pytest.raises(RuntimeError):
        await interest.acquire([KEY])
    broadcast.failing = False
    await interest.acquire([KEY])
    interest.release([KEY])
    time.now = 30
    await interest.let_go()
    assert broadcast.calls == [f"bind {KEY}", f"bind {KEY}", f"unbind {KEY}"]
