"""The namespace `/tasks`, as thin as it can be: tells the hub what the library says.

The root namespace accepts connections, as vantage6's does, and does nothing; all others are refused by the library.
"""

from typing import Any

import socketio

from sextant_relay.connections import Address
from sextant_relay.history import since_in
from sextant_relay.hub import Hub
from sextant_relay.judge import token_in
from sextant_relay.transport import Transport
from sextant_shared.contract.socket_events import NAMESPACE


class TasksNamespace(socketio.AsyncNamespace):
    """Handles `/tasks`."""

    def __init__(self, hub: Hub, transport: Transport) -> None:
        super().__init__(NAMESPACE)  # type: ignore[no-untyped-call]  # the library has no types
        self._hub = hub
        self._transport = transport

    async def trigger_event(self, event: str, sid: str, *arguments: Any) -> None:
        """Pass on what happened.

        A client can send events that are called as the library calls its own, hence the second conditions: CONNECT
        comes once, and a connection that is going is no longer counted as connected.
        """
        manager = self._transport.server.manager
        if event == "connect" and not self._hub.knows(sid):
            session = manager.eio_sid_from_sid(sid, NAMESPACE)
            said, payload = self._transport.handshake_of(session), arguments[-1]
            self._hub.connected(
                Address(sid, session), token_in(said.authorization, payload), since=since_in(said.query, payload)
            )
        elif event == "disconnect" and not manager.is_connected(sid, NAMESPACE):
            self._hub.disconnected(sid, str(arguments[-1]))
        else:
            self._hub.received(sid, event, arguments)
