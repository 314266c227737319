"""Holds the sockets: python-socketio's server with its in-process manager, and the only code that knows Engine.IO.

What differs from the library's own ways, each within what it lets one set or subclass:

* a packet is encoded once and put straight into the queues of its receivers; the library makes a task for each;
* a queue has an end: a socket that does not take what is sent is closed;
* sockets are looked at every second, so that a vanished one is noticed in time, and a closed long poll ends at once;
* a batch of polled packets may hold more than sixteen, the library's limit, at which it drops the whole batch;
* binary packets and unreadable ones are ignored, because their attachments would be kept without a bound.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import engineio
import socketio
import structlog
from engineio import packet as engineio_packet
from engineio import payload as engineio_payload
from socketio import packet as socketio_packet

from sextant_relay.connections import Address
from sextant_relay.settings import RelaySettings
from sextant_relay.telemetry import OVERFLOWS, SESSIONS
from sextant_shared.contract.socket_events import NAMESPACE

_log = structlog.get_logger(__name__)

PATH: Final = "/socket.io"
begun_session: ContextVar[str | None] = ContextVar("begun_session", default=None)
"""The session that the request at hand has begun, if it has."""
_PACKETS_IN_A_BATCH = 10_000
"""The size of a batch is bounded by its bytes."""
_SWEEP_SECONDS = 1.0
_NOWHERE = "/nowhere"
_EVENT_OR_CONTROL = (
    socketio_packet.CONNECT,
    socketio_packet.DISCONNECT,
    socketio_packet.EVENT,
    socketio_packet.ACK,
)


class Handshake(NamedTuple):
    """What the first request of a session said.

    Attributes:
        authorization: its header of that name.
        query: its query.
    """

    authorization: str | None
    query: str


class TextPacket(socketio_packet.Packet):
    """A packet of JSON. One that holds anything else, or cannot be read, is read as one addressed to nowhere."""

    uses_binary_events = False

    def decode(self, encoded_packet: Any) -> int:
        """Read a packet; none ever has attachments."""
        try:
            attachments = super().decode(encoded_packet)  # type: ignore[no-untyped-call]  # it has no types
            readable = not attachments and self.packet_type in _EVENT_OR_CONTROL and self._has_a_name()
        except (ValueError, TypeError, IndexError, RecursionError):
            readable = False
        if not readable:
            self.packet_type = socketio_packet.DISCONNECT
            self.namespace, self.data, self.id = _NOWHERE, None, None
        return 0

    def _has_a_name(self) -> bool:
        if self.packet_type != socketio_packet.EVENT:
            return True
        return isinstance(self.data, list) and bool(self.data) and isinstance(self.data[0], str)


class _Sessions(engineio.AsyncServer):
    """Engine.IO's side, which ends sessions without waiting for their clients to take what is in their queues."""

    def generate_id(self) -> str:
        """Name a session, and let whoever answers the request know."""
        session: str = super().generate_id()  # type: ignore[no-untyped-call]  # the library has no types
        begun_session.set(session)
        return session

    async def end(self, session: str, reason: str, *, flush: bool = True) -> None:
        """Close a session without a word, after or without what is in its queue.

        A closing word would tell the official client's library not to come back.
        """
        socket = self.sockets.get(session)
        if socket is None or socket.closed:
            return
        await socket.close(wait=False, abort=True, reason=reason)
        while not flush and not socket.queue.empty():
            socket.queue.get_nowait()
        socket.queue.put_nowait(None)  # ends the writer, or the poll that waits

    async def disconnect(self, sid: str | None = None) -> None:
        """End a session that broke the rules. The library's own way would wait for ever."""
        if sid is not None:
            await self.end(sid, self.reason.SERVER_DISCONNECT)


class _Server(socketio.AsyncServer):
    """Socket.IO's side, on the above."""

    def _engineio_server_class(self) -> type[_Sessions]:
        return _Sessions


class Transport:
    """Implements `Wire`.

    Args:
        settings: of relay.
    """

    def __init__(self, settings: RelaySettings) -> None:
        engineio_payload.Payload.max_decode_packets = _PACKETS_IN_A_BATCH
        self._queue_packets = settings.socket_queue_packets
        self._ping_timeout = settings.socket_ping_timeout_seconds
        self._stranger_seconds = settings.socket_stranger_seconds
        self._origins = frozenset(settings.cors_origins)
        self._first_seen: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.server: socketio.AsyncServer = _Server(  # type: ignore[no-untyped-call]  # the library has no types
            async_mode="asgi",
            always_connect=True,
            async_handlers=False,  # events of a socket keep their order; no handler of ours waits
            serializer=TextPacket,
            logger=_errors_only("sextant_relay.socketio"),
            engineio_logger=_errors_only("sextant_relay.engineio"),
            ping_interval=settings.socket_ping_interval_seconds,
            ping_timeout=settings.socket_ping_timeout_seconds,
            max_http_buffer_size=settings.socket_max_packet_bytes,
            cors_allowed_origins=self._may_come_from,
            cors_credentials=True,
            monitor_clients=False,  # `run` does
        )
        self._sessions: _Sessions = self.server.eio

    def packet(self, event: str, payload: Mapping[str, Any] | str | None) -> object:
        """Encode an event once."""
        data = [event] if payload is None else [event, payload]
        packet = socketio_packet.Packet(socketio_packet.EVENT, data=data, namespace=NAMESPACE, binary=False)
        encoded = packet.encode()
        return engineio_packet.Packet(engineio_packet.MESSAGE, encoded)

    def send(self, address: Address, packet: object) -> bool:
        """Put a packet into a socket's queue."""
        socket = self._sessions.sockets.get(address.session)
        if socket is None or socket.closed:
            return False
        if socket.queue.qsize() >= self._queue_packets:
            OVERFLOWS.inc()
            _log.warning("socket_overflowed", session_packets=self._queue_packets)
            self._end_unheard(address.session)
            return False
        socket.queue.put_nowait(packet)
        return True

    def is_backed_up(self, address: Address) -> bool:
        """Whether a socket's queue is half full."""
        socket = self._sessions.sockets.get(address.session)
        return socket is not None and not socket.closed and 2 * socket.queue.qsize() >= self._queue_packets

    async def dismiss(self, address: Address) -> None:
        """Put a connection out of the namespace."""
        await self.server.disconnect(address.sid, namespace=NAMESPACE)

    async def hang_up(self, address: Address) -> None:
        """End the transport as a lost network would."""
        await self._sessions.end(address.session, self._sessions.reason.SERVER_DISCONNECT)

    async def hang_up_all(self) -> None:
        """End all that is left, whether in the namespace or not."""
        for session in list(self._sessions.sockets):
            await self._sessions.end(session, self._sessions.reason.SERVER_DISCONNECT)

    def handshake_of(self, session: str) -> Handshake:
        """What a session's first request said.

        The rest of that request is let go here: it would stay in memory for as long as the socket.
        """
        environ = self.server.environ.get(session, {})
        kept = {name: environ[name] for name in ("HTTP_AUTHORIZATION", "QUERY_STRING") if name in environ}
        self.server.environ[session] = kept
        return Handshake(kept.get("HTTP_AUTHORIZATION"), kept.get("QUERY_STRING", ""))

    async def run(self) -> None:
        """Look after the sockets, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """End what does not answer, what never came in, and the long polls of what is closed already."""
        now = time.time()
        sockets = self._sessions.sockets
        for session, socket in list(sockets.items()):
            if socket.closed:
                socket.queue.put_nowait(None)
                sockets.pop(session, None)
            elif socket.last_ping and now - socket.last_ping > self._ping_timeout:
                await self._sessions.end(session, self._sessions.reason.PING_TIMEOUT, flush=False)
            elif self.server.manager.sid_from_eio_sid(session, NAMESPACE) is not None:
                self._first_seen.pop(session, None)
            elif now - self._first_seen.setdefault(session, now) > self._stranger_seconds:
                await self._sessions.end(session, self._sessions.reason.SERVER_DISCONNECT)
        for session in self._first_seen.keys() - sockets.keys():
            del self._first_seen[session]
        SESSIONS.set(len(sockets))

    def _end_unheard(self, session: str) -> None:
        """Close a session that takes nothing any more."""
        task = asyncio.create_task(self._sessions.end(session, self._sessions.reason.SERVER_DISCONNECT, flush=False))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _may_come_from(self, origin: str | None, environ: Mapping[str, Any]) -> bool:
        """Whether a page from `origin` may talk to us.

        Programs name an origin too, and a proxy before us may have changed our name; they are known by the token in
        the request itself, which a page from elsewhere could only send after being allowed to.
        """
        if origin is None or origin in self._origins or "*" in self._origins or "HTTP_AUTHORIZATION" in environ:
            return True
        our_name = environ.get("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST") or ""
        return urlsplit(origin).netloc == our_name.split(",")[0].strip()


def _errors_only(name: str) -> logging.Logger:
    """Make a logger for the library, less what it calls errors and is merely a client's mistake."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.ERROR)
    logger.addFilter(_is_about_us)
    return logger


def _is_about_us(record: logging.LogRecord) -> bool:
    return "further occurrences of this error" not in record.getMessage()
