"""Acts upon what relay says about the connections of users.

Openings and closings are acted upon once (inbox). Touches need no inbox: to do them again changes nothing.
"""

import structlog

from sextant_auth.models import inbox
from sextant_auth.presence import service
from sextant_shared.contract.commands import CloseUserConnection, OpenUserConnection, TouchUserConnections
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database, is_first_delivery

_log = structlog.get_logger(__name__)


class RelayCommands:
    """Consumer of auth's queue of commands."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def on_command(self, envelope: Envelope) -> None:
        """Act upon one message.

        Raises:
            LookupError: nobody handles its type, so it is to be parked.
        """
        if envelope.type == OpenUserConnection.type:
            await self._open(envelope)
        elif envelope.type == CloseUserConnection.type:
            await self._close(envelope)
        elif envelope.type == TouchUserConnections.type:
            await self._touch(TouchUserConnections.opened(envelope))
        else:
            raise LookupError(f"nobody handles {envelope.type}")

    async def _open(self, envelope: Envelope) -> None:
        command = OpenUserConnection.opened(envelope)
        async with self._db.transaction() as tx:
            if await is_first_delivery(tx, inbox, envelope):
                live = {command.connection_id: command.user_id}
                await service.keep_alive(tx, live, lease_seconds=command.lease_seconds)

    async def _close(self, envelope: Envelope) -> None:
        command = CloseUserConnection.opened(envelope)
        async with self._db.transaction() as tx:
            if await is_first_delivery(tx, inbox, envelope):
                await service.close_connection(tx, command.connection_id, command.user_id)

    async def _touch(self, command: TouchUserConnections) -> None:
        live = {connection.connection_id: connection.user_id for connection in command.connections}
        if not live:
            return
        try:
            async with self._db.transaction() as tx:
                await service.keep_alive(tx, live, lease_seconds=command.lease_seconds)
        except UnavailableError as error:
            # the next one comes in a few seconds, and says more than this one said again later
            _log.info("touch_dropped", connections=len(live), reason=error.msg)
