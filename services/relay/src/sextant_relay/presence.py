"""Tells which connections are alive: opened, closed, and every few seconds "these are still here".

Of nodes it is told to api, of users to auth. The lease is the safety net: when this process dies without a word, its
connections lapse by themselves.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import structlog

from sextant_relay.outgoing import Outgoing
from sextant_relay.telemetry import TOUCHES_FAILED
from sextant_shared.clock import Clock
from sextant_shared.contract.commands import (
    CloseConnection,
    CloseUserConnection,
    Command,
    LiveConnection,
    LiveUserConnection,
    OpenConnection,
    OpenUserConnection,
    TouchConnections,
    TouchUserConnections,
)
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import NO_COLLABORATION
from sextant_shared.contract.routing import RELAY
from sextant_shared.ids import new_id
from sextant_shared.messaging import COMMAND_QUEUES, Bus
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

BATCH: Final = 1000
"""Connections in one touch at most."""


class Presence:
    """The live connections of nodes and users.

    Args:
        bus: takes the touches.
        outgoing: takes what must not be lost, in order with what a connection says.
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

    def opened(self, connection_id: str, principal: Principal) -> None:
        """A connection came up."""
        self._live[connection_id] = principal
        self._announce(connection_id, principal)

    def closed(self, connection_id: str) -> None:
        """A connection is gone. If its opening was never told, this need not be told either."""
        principal = self._live.pop(connection_id, None)
        if principal is not None and not self._withdraw_opening(connection_id):
            self._outgoing.put(connection_id, _closing(connection_id, principal))

    def announce_all(self) -> None:
        """Say of every live connection that it is open: leases may have lapsed while nobody heard the touches."""
        for connection_id, principal in self._live.items():
            self._announce(connection_id, principal)

    async def touch(self) -> None:
        """Say once that all live connections are alive; the next round makes up for what is lost."""
        for command, count in list(self._touches()):
            envelope = command.enclosed(message_id=new_id(), source=RELAY, time=self._clock.now())
            try:
                await self._bus.send(COMMAND_QUEUES[command.owner], envelope)
            except UnavailableError as error:
                TOUCHES_FAILED.inc()
                _log.info("touch_failed", connections=count, owner=command.owner, reason=error.msg)

    async def run(self) -> None:
        """Touch now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._touch_seconds)
            await self.touch()

    def _touches(self) -> Iterator[tuple[Command, int]]:
        nodes = [
            LiveConnection(connection_id=each, node_id=whose.id) for each, whose in self._live.items() if whose.is_node
        ]
        for start in range(0, len(nodes), BATCH):
            batch = nodes[start : start + BATCH]
            yield TouchConnections(connections=batch, lease_seconds=self._lease_seconds), len(batch)
        users = [
            LiveUserConnection(connection_id=each, user_id=whose.id)
            for each, whose in self._live.items()
            if whose.is_user
        ]
        for start in range(0, len(users), BATCH):
            of_users = users[start : start + BATCH]
            yield TouchUserConnections(connections=of_users, lease_seconds=self._lease_seconds), len(of_users)

    def _announce(self, connection_id: str, principal: Principal) -> None:
        self._withdraw_opening(connection_id)
        self._outgoing.put(connection_id, self._opening(connection_id, principal))

    def _withdraw_opening(self, connection_id: str) -> bool:
        # of which kind it is, does not matter: a connection has one owner
        return any(self._outgoing.withdraw(connection_id, kind) for kind in (OpenConnection, OpenUserConnection))

    def _opening(self, connection_id: str, principal: Principal) -> Command:
        if principal.is_user:
            return OpenUserConnection(
                connection_id=connection_id, user_id=principal.id, lease_seconds=self._lease_seconds
            )
        return OpenConnection(
            connection_id=connection_id,
            node_id=principal.id,
            collaboration_id=principal.collaboration_id or NO_COLLABORATION,
            lease_seconds=self._lease_seconds,
        )


def _closing(connection_id: str, principal: Principal) -> Command:
    if principal.is_user:
        return CloseUserConnection(connection_id=connection_id, user_id=principal.id)
    return CloseConnection(connection_id=connection_id, node_id=principal.id)
