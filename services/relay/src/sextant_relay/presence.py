"""Tells api which connections of nodes are alive: opened, closed, and every few seconds "these are still here".

The lease is the safety net: when this process dies without a word, its connections lapse by themselves.
"""

import asyncio
from typing import Final

import structlog

from sextant_relay.outgoing import Outgoing
from sextant_relay.telemetry import TOUCHES_FAILED
from sextant_shared.clock import Clock
from sextant_shared.contract.commands import CloseConnection, LiveConnection, OpenConnection, TouchConnections
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import NO_COLLABORATION
from sextant_shared.contract.routing import RELAY
from sextant_shared.ids import new_id
from sextant_shared.messaging import API_COMMANDS, Bus
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

BATCH: Final = 1000
"""Connections in one touch at most."""


class Presence:
    """The live connections of nodes.

    Args:
        bus: takes the touches.
        outgoing: takes what must not be lost, in order with what the node says.
        clock: says when.
        lease_seconds: how long a touch is good for.
        touch_seconds: how often there is one.
    """

    def __init__(self, bus: Bus, outgoing: Outgoing, clock: Clock, *, lease_seconds: int, touch_seconds: float) -> None:
        self._bus = bus
        self._outgoing = outgoing
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._touch_seconds = touch_seconds
        self._live: dict[str, Principal] = {}

    def opened(self, connection_id: str, node: Principal) -> None:
        """A node's connection came up."""
        self._live[connection_id] = node
        self._announce(connection_id, node)

    def closed(self, connection_id: str) -> None:
        """A node's connection is gone. If api was never told of it, it need not be told now."""
        node = self._live.pop(connection_id, None)
        if node is not None and not self._outgoing.withdraw(connection_id, OpenConnection):
            self._outgoing.put(connection_id, CloseConnection(connection_id=connection_id, node_id=node.id))

    def announce_all(self) -> None:
        """Say of every live connection that it is open: leases may have lapsed while nobody heard the touches."""
        for connection_id, node in self._live.items():
            self._announce(connection_id, node)

    async def touch(self) -> None:
        """Say once that all live connections are alive; the next round makes up for what is lost."""
        live = [LiveConnection(connection_id=each, node_id=node.id) for each, node in self._live.items()]
        for start in range(0, len(live), BATCH):
            command = TouchConnections(connections=live[start : start + BATCH], lease_seconds=self._lease_seconds)
            envelope = command.enclosed(message_id=new_id(), source=RELAY, time=self._clock.now())
            try:
                await self._bus.send(API_COMMANDS, envelope)
            except UnavailableError as error:
                TOUCHES_FAILED.inc()
                _log.info("touch_failed", connections=len(command.connections), reason=error.msg)

    async def run(self) -> None:
        """Touch now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._touch_seconds)
            await self.touch()

    def _announce(self, connection_id: str, node: Principal) -> None:
        self._outgoing.withdraw(connection_id, OpenConnection)
        self._outgoing.put(
            connection_id,
            OpenConnection(
                connection_id=connection_id,
                node_id=node.id,
                collaboration_id=node.collaboration_id or NO_COLLABORATION,
                lease_seconds=self._lease_seconds,
            ),
        )
