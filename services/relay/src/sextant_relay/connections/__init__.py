"""A connection as a state machine without a socket: unidentified, then identified, then closed."""

from sextant_relay.connections.connection import Address, Closed, Connection
from sextant_relay.connections.identified import Identified
from sextant_relay.connections.unidentified import Unidentified

__all__ = ["Address", "Closed", "Connection", "Identified", "Unidentified"]
