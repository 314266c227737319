"""A node's ear: the event channel of vantage6 4.x over a WebSocket, as little of it as it takes to hear `new_task`."""

import asyncio
import time
from collections import defaultdict
from types import TracebackType
from typing import Final, Self

import aiohttp
import orjson

from sextant_shared.contract.socket_events import NAMESPACE, NEW_TASK

_HEARD_SECONDS = 30
_PREFIX: Final = f"42{NAMESPACE},"


class Heard:
    """When which task was heard of, over all sockets."""

    def __init__(self) -> None:
        self._times: dict[int, list[float]] = defaultdict(list)
        self._waiting: dict[int, tuple[int, asyncio.Future[None]]] = {}

    def note(self, task_id: int) -> None:
        """One socket heard of a task."""
        times = self._times[task_id]
        times.append(time.perf_counter())
        count, waiting = self._waiting.get(task_id, (0, None))
        if waiting is not None and len(times) >= count and not waiting.done():
            waiting.set_result(None)

    async def times(self, task_id: int, count: int) -> list[float]:
        """Wait until so many sockets heard of a task, and return when each did.

        Raises:
            TimeoutError: not all did.
        """
        if len(self._times[task_id]) < count:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[task_id] = (count, waiting)
            try:
                async with asyncio.timeout(_HEARD_SECONDS):
                    await waiting
            finally:
                del self._waiting[task_id]
        return self._times.pop(task_id)


class NodeSocket:
    """One connection in the namespace of nodes; a context manager that is open when it is entered."""

    def __init__(self, url: str, token: str, heard: Heard) -> None:
        self._url = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        self._token = token
        self._heard = heard

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(
            self._url, headers={"Authorization": f"Bearer {self._token}"}, max_msg_size=0
        )
        await self._until("0")
        await self._socket.send_str(f"40{NAMESPACE},")
        # `sync` comes when the node sits in its rooms
        await self._until(f'{_PREFIX}["sync"')
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    async def _until(self, prefix: str) -> None:
        async with asyncio.timeout(_HEARD_SECONDS):
            while not (await self._next()).startswith(prefix):
                pass

    async def _listen(self) -> None:
        while True:
            packet = await self._next()
            if packet.startswith(_PREFIX):
                event, *arguments = orjson.loads(packet[len(_PREFIX) :])
                if event == NEW_TASK:
                    self._heard.note(arguments[0]["id"])

    async def _next(self) -> str:
        packet = await self._socket.receive_str()
        if packet == "2":
            await self._socket.send_str("3")
        return packet
