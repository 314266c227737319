"""Hears from vpn-registry at which ports runs listen.

Needs no inbox: to hear the same again changes nothing, and of two messages the newer wins.
"""

from collections.abc import Mapping

from sextant_api.ports import repository
from sextant_shared.contract.events import PortsChanged
from sextant_shared.contract.messages import Envelope
from sextant_shared.db import Database
from sextant_shared.messaging import Handler


def handlers(db: Database) -> Mapping[str, Handler]:
    """The events about ports, by type."""

    async def ports_changed(envelope: Envelope) -> None:
        change = PortsChanged.opened(envelope)
        async with db.transaction() as tx:
            await repository.put(tx.session, change)

    return {PortsChanged.type: ports_changed}
