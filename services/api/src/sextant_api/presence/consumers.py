"""Acts upon what relay says about the connections of nodes, and what nodes say about themselves.

Openings and closings are acted upon once (inbox). Touches and reports need no inbox: to do them again changes
nothing, and of two the newer wins.
"""

from collections.abc import Mapping

import structlog

from sextant_api.models import inbox
from sextant_api.presence import repository, service
from sextant_api.presence.config import flattened
from sextant_api.presence.metrics import NodeMetrics
from sextant_shared.contract.commands import (
    CloseConnection,
    OpenConnection,
    ReportNodeInfo,
    ReportNodeMetrics,
    TouchConnections,
)
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import NodeSeen
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database, is_first_delivery
from sextant_shared.messaging import Handler

_log = structlog.get_logger(__name__)


def event_handlers(db: Database) -> Mapping[str, Handler]:
    """The events about nodes that others see, by type."""

    async def note_seen(envelope: Envelope) -> None:
        # needs no inbox: the newest wins
        async with db.transaction() as tx:
            await repository.note_seen_at(tx.session, NodeSeen.opened(envelope).node_id, envelope.time)

    return {NodeSeen.type: note_seen}


def handlers(db: Database, metrics: NodeMetrics, *, grace_seconds: float) -> Mapping[str, Handler]:
    """The commands about presence, by type.

    Args:
        db: api's database.
        metrics: where nodes' reports of themselves are shown.
        grace_seconds: how long a node stays online after its last connection closed.
    """

    async def open_connection(envelope: Envelope) -> None:
        command = OpenConnection.opened(envelope)
        async with db.transaction() as tx:
            if await is_first_delivery(tx, inbox, envelope):
                await service.open_connection(
                    tx, command.connection_id, command.node_id, lease_seconds=command.lease_seconds
                )

    async def close_connection(envelope: Envelope) -> None:
        command = CloseConnection.opened(envelope)
        async with db.transaction() as tx:
            if await is_first_delivery(tx, inbox, envelope):
                await service.close_connection(tx, command.connection_id, command.node_id, grace_seconds=grace_seconds)

    async def touch_connections(envelope: Envelope) -> None:
        command = TouchConnections.opened(envelope)
        live = {connection.connection_id: connection.node_id for connection in command.connections}
        if not live:
            return
        try:
            async with db.transaction() as tx:
                await service.keep_alive(tx, live, lease_seconds=command.lease_seconds)
        except UnavailableError as error:
            # the next one comes in a few seconds, and says more than this one said again later
            _log.info("touch_dropped", connections=len(live), reason=error.msg)

    async def report_info(envelope: Envelope) -> None:
        command = ReportNodeInfo.opened(envelope)
        async with db.transaction() as tx:
            await repository.replace_config(tx.session, command.node_id, flattened(command.info), envelope.time)

    async def report_metrics(envelope: Envelope) -> None:
        command = ReportNodeMetrics.opened(envelope)
        metrics.report(command.node_id, command.metrics)

    return {
        OpenConnection.type: open_connection,
        CloseConnection.type: close_connection,
        TouchConnections.type: touch_connections,
        ReportNodeInfo.type: report_info,
        ReportNodeMetrics.type: report_metrics,
    }
