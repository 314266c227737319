"""The event channel as the official client's socket library does it, over WebSocket and as little of it as it takes.

It comes back after a loss, with a pause that grows, and with the credentials of its first connect. It goes for good
when the server says so (an Engine.IO close), which no server should.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import aiohttp
import orjson

from sextant_shared.contract.socket_events import EXPIRED_TOKEN, INVALID_TOKEN, NAMESPACE
from tests.faults.history import Connected, Disconnected, Heard, History
from tests.faults.rest import LOST, LoginRefusedError, Rest

_ENTER_SECONDS: Final = 10
_PAUSES: Final = (1.0, 2.0, 4.0, 5.0)
_EVENT: Final = f"42{NAMESPACE},"
_ENTERED: Final = f"40{NAMESPACE},"
_LEFT: Final = f"41{NAMESPACE},"


class _LostError(ConnectionError):
    """The connection is over."""


class Channel:
    """One client's connection, and the next one after it is lost.

    Args:
        listener: what it is called in the history.
        session: carries it.
        url: of the suite, or of something before it.
        rest: gives tokens.
        history: is told what is heard.
        hear: acts upon an event, without waiting.

    Attributes:
        is_open: whether it is in the namespace.
        is_sent_home: whether the server told it never to come back.
    """

    def __init__(
        self,
        listener: str,
        session: aiohttp.ClientSession,
        url: str,
        *,
        rest: Rest,
        history: History,
        hear: Callable[[str, Any], None] = lambda _event, _payload: None,
    ) -> None:
        self.url = url
        self.is_open = False
        self.is_sent_home = False
        self._listener = listener
        self._session = session
        self._rest = rest
        self._history = history
        self._hear = hear
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._silence_seconds = 60.0
        self._failures = 0

    async def run(self) -> None:
        """Stay connected until cancelled, or sent home."""
        token = self._rest.token or await self._rest.log_in()
        while not self.is_sent_home:
            notice = None
            with suppress(*LOST):
                notice = await self._serve(token)
            if notice is not None:
                try:
                    token = await self._rest.log_in()
                except LoginRefusedError:
                    return  # it exists no more
                continue
            pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
            self._failures += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load

    async def say(self, event: str, payload: Any = None) -> None:
        """Say something; who is not connected says it in vain."""
        if self._socket is not None and self.is_open:
            packet = orjson.dumps([event] if payload is None else [event, payload]).decode()
            with suppress(*LOST):
                await self._socket.send_str(_EVENT + packet)

    def break_off(self) -> None:
        """Lose the connection."""
        if self._socket is not None:
            self._socket._response.close()

    async def _serve(self, token: str) -> str | None:
        """Be connected until that is lost; or until the token is refused, which is returned."""
        url = f"{self.url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        try:
            async with asyncio.timeout(_ENTER_SECONDS):
                self._socket = await self._session.ws_connect(
                    url, headers={"Authorization": f"Bearer {token}"}, max_msg_size=0
                )
                await self._enter(self._socket)
            self.is_open, self._failures = True, 0
            self._history.note(Connected(self._listener))
            while True:
                packet = await self._next(self._socket)
                if packet.startswith(_LEFT):
                    return None
                if packet.startswith(_EVENT):
                    event, *arguments = orjson.loads(packet[len(_EVENT) :])
                    payload = arguments[0] if arguments else None
                    self._history.note(Heard(self._listener, event, payload))
                    if event in (INVALID_TOKEN, EXPIRED_TOKEN):
                        return str(event)
                    self._hear(event, payload)
        finally:
            self._close()

    async def _enter(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        hello = await self._next(socket)
        intervals = orjson.loads(hello[1:])
        self._silence_seconds = (intervals["pingInterval"] + intervals["pingTimeout"]) / 1000
        await socket.send_str(_ENTERED)
        while not (await self._next(socket)).startswith(_ENTERED):
            pass

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        message = await socket.receive(timeout=self._silence_seconds)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise _LostError(str(message.type))
        packet = str(message.data)
        if packet == "2":
            await socket.send_str("3")
        if packet == "1":
            self.is_sent_home = True
            raise _LostError("sent home")
        return packet

    def _close(self) -> None:
        if self._socket is not None:
            self._socket._response.close()
            self._socket = None
        if self.is_open:
            self.is_open = False
            self._history.note(Disconnected(self._listener))
