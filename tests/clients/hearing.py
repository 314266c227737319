"""An ear at the event channel: the socket that the node uses, and a journal of what it heard.

Owns the socket of one program. Knows nothing of tokens' contents, tasks or runs.
"""

import threading
from collections.abc import Callable, Mapping
from socket import SHUT_RDWR
from typing import Any

import socketio

NAMESPACE = "/tasks"
GOODBYE_SECONDS = 2.0
Reaction = Callable[..., None]


class Journal:
    """What was heard, in order of arrival. Safe between threads."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    def note(self, event: str, arguments: list[Any]) -> None:
        """Add an event."""
        with self._changed:
            self._entries.append({"event": event, "arguments": arguments})
            self._changed.notify_all()

    def heard(self, event: str | None = None, matching: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the events of that name whose first argument has the items of `matching`."""
        with self._changed:
            return [
                entry
                for entry in self._entries
                if event in (None, entry["event"]) and _matches(entry["arguments"], matching)
            ]

    def wait(
        self,
        event: str,
        *,
        count: int = 1,
        within: float = 20.0,
        matching: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Wait until at least `count` such events were heard, then return them all.

        Raises:
            TimeoutError: they did not come; the text tells what came instead.
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self.heard(event, matching)) >= count, within):
                return self.heard(event, matching)
            heard = "\n".join(f"  {entry}" for entry in self._entries) or "  nothing"
        raise TimeoutError(f"heard {event} {matching or ''} less than {count} times in {within} s, but:\n{heard}")


def _matches(arguments: list[Any], matching: Mapping[str, Any] | None) -> bool:
    if not matching:
        return True
    first = arguments[0] if arguments else None
    return isinstance(first, dict) and all(key in first and first[key] == value for key, value in matching.items())


class _Ears(socketio.ClientNamespace):
    """Notes every event of the namespace, also those that no handler is written for."""

    def __init__(self, journal: Journal, reactions: Mapping[str, Reaction]) -> None:
        super().__init__(NAMESPACE)  # type: ignore[no-untyped-call]  # the library has no types
        self._journal = journal
        self._reactions = reactions

    def trigger_event(self, event: str, *args: Any) -> None:
        """Note the event, then react to it."""
        if event.startswith("__"):  # the library's own bookkeeping
            return
        self._journal.note(event, list(args))
        if event in self._reactions:
            self._reactions[event](*args)


class Socket:
    """The connection to the event channel, made in the node's way.

    The headers are given once: a reconnect of the library repeats those of the first connect.
    """

    def __init__(self, url: str, journal: Journal, reactions: Mapping[str, Reaction] | None = None) -> None:
        self._url = url
        self._journal = journal
        self._reactions = reactions or {}
        self._client: Any = None

    def connect(self, token: str, transports: list[str] | None = None) -> None:
        """Connect and wait until the server has let us into the namespace."""
        before = len(self._journal.heard("connect"))
        self._client = socketio.Client(request_timeout=60)
        self._client.register_namespace(_Ears(self._journal, self._reactions))
        self._client.connect(
            self._url,
            headers={"Authorization": f"Bearer {token}"},
            transports=transports,
            wait=False,
        )
        self._journal.wait("connect", count=before + 1)

    def transport(self) -> str:
        """Return what the connection runs on by now: polling or websocket."""
        return str(self._client.transport())

    def cookies(self) -> dict[str, str]:
        """Return the cookies that the connection was given, which say where it is kept."""
        return dict(self._client.eio.http.cookies)

    def emit(self, event: str, *payload: Any) -> None:
        """Send an event to the server."""
        self._client.emit(event, payload or None, namespace=NAMESPACE)

    def drop(self) -> None:
        """Lose the connection as a broken network would; the library then reconnects."""
        self._client.eio.ws.sock.shutdown(SHUT_RDWR)

    def disconnect(self) -> None:
        """Leave in the library's way: it waits until its last poll has come back."""
        self._client.disconnect()

    def leave(self) -> None:
        """Say goodbye without waiting for that poll; does nothing without a connection."""
        if self._client is not None:
            goodbye = threading.Thread(target=self._client.disconnect, daemon=True)
            goodbye.start()
            goodbye.join(GOODBYE_SECONDS)
