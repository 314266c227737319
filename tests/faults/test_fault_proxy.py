"""The proxy does what it says, so that a fault test means what it says."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Self

import pytest

from sextant_shared.testing.processes import LOOPBACK, free_port
from tests.faults.fault_proxy import Direction, FaultProxy, Proxies

PATIENCE = 10.0


class Echo:
    """A server that says everything back, and notes what it heard."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard = b""
        self.ended = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError):
            while data := await reader.read(1000):
                self.heard += data
                writer.write(data)
                await writer.drain()
        self.ended.set()
        writer.close()

    async def until_heard(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.heard != data:
                await asyncio.sleep(0.01)


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: FaultProxy) -> Self:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        return cls(reader, writer)

    async def read(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read(1000)

    async def is_dropped(self) -> bool:
        """Whether the connection ends."""
        try:
            return await self.read() == b""
        except ConnectionError:
            return True

    async def hears_something(self) -> bool:
        """Whether something comes within a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await self.reader.read(1000)
                return True
        return False


async def end(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await asyncio.start_server(made.serve, LOOPBACK, made.port)
    yield made
    server.close()
    await end(*made.writers)


@pytest.fixture(scope="module")
def proxies() -> Iterator[Proxies]:
    with Proxies() as made:
        yield made


@pytest.fixture
def proxy(proxies: Proxies, echo: Echo) -> FaultProxy:
    return proxies.open(echo.port)


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    made = await Client.of(proxy)
    made.writer.write(b"one")
    assert await made.read() == b"one"
    yield made
    await end(made.writer)


async def test_a_held_connection_loses_nothing(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.hold()
    client.writer.write(b"two")
    assert (await client.hears_something(), echo.heard) == (False, b"one")
    proxy.release()
    assert await client.read() == b"two"


async def test_the_end_of_a_held_connection_shows_after_the_release(
    proxy: FaultProxy, client: Client, echo: Echo
) -> None:
    proxy.hold()
    client.writer.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await echo.ended.wait()
    proxy.release()
    async with asyncio.timeout(PATIENCE):
        await echo.ended.wait()


async def test_one_direction_can_be_held_alone(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.hold(Direction.DOWN)
    client.writer.write(b"two")
    await echo.until_heard(b"onetwo")
    assert not await client.hears_something()
    proxy.release()
    assert await client.read() == b"two"


async def test_a_connection_made_while_held_hears_nothing(proxy: FaultProxy, echo: Echo) -> None:
    proxy.hold()
    client = await Client.of(proxy)
    client.writer.write(b"one")
    assert (await client.hears_something(), echo.heard) == (False, b"")
    await end(client.writer)


async def test_a_delay_lets_everything_pass_later(proxy: FaultProxy, client: Client) -> None:
    proxy.delay(0.5)
    began = asyncio.get_running_loop().time()
    client.writer.write(b"two")
    assert await client.read() == b"two"
    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_a_cut_resets_both_ends(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.cut()
    assert await client.is_dropped()
    async with asyncio.timeout(PATIENCE):
        await echo.ended.wait()


async def test_a_cut_takes_a_held_connection_too(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.hold(Direction.DOWN)
    client.writer.write(b"two")
    await echo.until_heard(b"onetwo")
    proxy.cut()
    assert await client.is_dropped()


async def test_a_refusing_proxy_takes_no_new_connection(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.refuse()
    other = await Client.of(proxy)
    assert await other.is_dropped()
    await end(other.writer)
    client.writer.write(b"two")
    assert await client.read() == b"two"
    assert echo.heard == b"onetwo"


async def test_a_connection_goes_to_the_upstream_that_is_there(proxies: Proxies, echo: Echo) -> None:
    proxy = proxies.open(free_port(), echo.port, free_port())
    for _ in range(3):
        client = await Client.of(proxy)
        client.writer.write(b"one")
        assert await client.read() == b"one"
        await end(client.writer)


async def test_a_proxy_without_a_living_upstream_resets(proxies: Proxies) -> None:
    proxy = proxies.open(free_port())
    client = await Client.of(proxy)
    assert await client.is_dropped()
    await end(client.writer)
