"""A TCP proxy that can do to a connection what networks do: hold it, slow it, cut it, refuse it.

Owns the connections that pass through it and a thread that moves their bytes. It must not know what the bytes mean.

* *Hold* stops one direction or both without a word: no byte passes and no end of stream does, on connections that are
  there and on those made meanwhile. What was sent waits, as in TCP's own buffers, and arrives after the release. A
  partition is both directions, a half-open connection one of them, a slow consumer the direction towards it.
* *Cut* resets all connections. *Refuse* resets new ones at once.

A proxy has several upstreams where DNS would name several: a connection goes to the next that takes it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Self, TypeVar

from sextant_shared.testing.processes import LOOPBACK, free_port

_CHUNK = 65_536
_CALL_SECONDS = 10

T = TypeVar("T")


class Direction(Enum):
    """Where bytes go."""

    UP = "towards the server"
    DOWN = "towards the client"


class FaultProxy:
    """One listening port; made by `Proxies.open`, and controlled from any thread.

    Attributes:
        port: where it listens.
        upstreams: ports of the servers behind it; may be changed, for connections made later.
    """

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], upstreams: Sequence[int]) -> None:
        self.port = free_port()
        self.upstreams = list(upstreams)
        self._run = run
        self._turn = 0
        self._delay = 0.0
        self._refusing = False
        self._open: dict[Direction, asyncio.Event] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def hold(self, *directions: Direction) -> None:
        """Let nothing pass in these directions; in neither if not said otherwise."""
        for direction in directions or Direction:
            self._do(self._open[direction].clear)

    def release(self) -> None:
        """Let everything pass again, what waited first."""
        for each in self._open.values():
            self._do(each.set)

    def delay(self, seconds: float) -> None:
        """Let each piece wait so long, in each direction."""
        self._do(lambda: setattr(self, "_delay", seconds))

    def cut(self) -> None:
        """Reset all connections, from both sides."""
        self._do(self._abort_all)

    def refuse(self) -> None:
        """Reset every new connection, until `accept`."""
        self._do(lambda: setattr(self, "_refusing", True))

    def accept(self) -> None:
        """Take new connections again."""
        self._do(lambda: setattr(self, "_refusing", False))

    def heal(self) -> None:
        """Be an ordinary proxy again."""
        self.delay(0)
        self.accept()
        self.release()

    def connections(self) -> int:
        """Count the connections that pass through it."""
        return len(self._jobs)

    async def start(self) -> None:
        """Listen; runs in the thread of the proxies."""
        self._open = {direction: asyncio.Event() for direction in Direction}
        for each in self._open.values():
            each.set()
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, limit=_CHUNK, backlog=1024)

    async def stop(self) -> None:
        """Listen no more, and drop all connections; runs in the thread of the proxies."""
        assert self._server is not None  # it was started
        self._server.close()
        self._abort_all()
        for each in self._open.values():
            each.set()
        if self._jobs:
            await asyncio.wait(self._jobs)

    def _do(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        self._run(act())

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = asyncio.current_task()
        assert job is not None  # asyncio makes one for each connection
        self._jobs.add(job)
        try:
            server = None if self._refusing else await self._connect()
            if server is None:
                writer.transport.abort()
                return
            ends = {writer, server[1]}
            self._writers |= ends
            try:
                await asyncio.gather(
                    self._pump(Direction.UP, reader, server[1]), self._pump(Direction.DOWN, server[0], writer)
                )
            finally:
                self._writers -= ends
                for end in ends:
                    end.transport.abort()
        finally:
            self._jobs.discard(job)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        first = self._turn % max(1, len(self.upstreams))
        for port in self.upstreams[first:] + self.upstreams[:first]:
            with suppress(OSError):
                return await asyncio.open_connection(LOOPBACK, port, limit=_CHUNK)
        return None

    async def _pump(self, direction: Direction, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._open[direction].wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                sink.write(data)
                await sink.drain()
            await self._open[direction].wait()
            sink.close()
        except OSError:
            await self._open[direction].wait()
            sink.transport.abort()


class Proxies:
    """The thread in which proxies run; a context manager."""

    def __init__(self) -> None:
        self._proxies: list[FaultProxy] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxies", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, *upstreams: int) -> FaultProxy:
        """Make a proxy and let it listen."""
        proxy = FaultProxy(self._run, upstreams)
        self._run(proxy.start())
        self._proxies.append(proxy)
        return proxy

    def _run(self, job: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(_CALL_SECONDS)

    async def _end(self) -> None:
        for proxy in self._proxies:
            await proxy.stop()
