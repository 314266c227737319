"""The port to the sockets: what the hub asks of whatever holds them.

Knows addresses and packets; not principals, rooms or domain events.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from sextant_relay.connections import Address


class Wire(Protocol):
    """Sends packets to sockets and closes them."""

    def packet(self, event: str, payload: Mapping[str, Any] | str | None) -> object:
        """Encode an event once, for as many sockets as there are."""
        ...

    def send(self, address: Address, packet: object) -> bool:
        """Put a packet into a socket's queue; never waits.

        Returns:
            False if the socket is gone, or so far behind that it is being closed now.
        """
        ...

    def is_backed_up(self, address: Address) -> bool:
        """Whether a socket has so much to take already that whatever can wait should."""
        ...

    async def dismiss(self, address: Address) -> None:
        """Put a connection out of the namespace, so that its client does not come back by itself."""
        ...

    async def hang_up(self, address: Address) -> None:
        """End the transport as a lost network would, so that its client comes back by itself."""
        ...
