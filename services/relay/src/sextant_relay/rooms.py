"""Who sits in which room of this replica.

A room holds nodes and users apart, so that an event can be meant for one kind alone: a task is told to the nodes it
is for and to all who watch the collaboration. Knows nothing of sockets.
"""

from collections.abc import Iterable

from sextant_relay.connections import Connection
from sextant_shared.contract.audiences import Audience
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.rooms import Room


class Rooms:
    """The rooms of this replica. A room exists while somebody sits in it."""

    def __init__(self) -> None:
        self._seats: dict[Room, dict[ClientType, dict[str, Connection]]] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def join(self, connection: Connection, kind: ClientType, rooms: Iterable[Room]) -> None:
        """Put a connection into rooms."""
        for room in rooms:
            self._seats.setdefault(room, {}).setdefault(kind, {})[connection.id] = connection

    def leave(self, connection: Connection, kind: ClientType, rooms: Iterable[Room]) -> None:
        """Take a connection out of rooms."""
        for room in rooms:
            kinds = self._seats.get(room, {})
            seats = kinds.get(kind, {})
            seats.pop(connection.id, None)
            if kinds and not seats:
                kinds.pop(kind, None)
                if not kinds:
                    del self._seats[room]

    def members(self, to: Iterable[Audience], *, but_not: Room | None = None) -> list[Connection]:
        """List the connections of an audience, each once, however many of its rooms it sits in."""
        found: dict[str, Connection] = {}
        for room, kinds in to:
            for kind, seats in self._seats.get(room, {}).items():
                if kind in kinds:
                    found.update(seats)
        if but_not is not None:
            for seats in self._seats.get(but_not, {}).values():
                for connection_id in seats:
                    found.pop(connection_id, None)
        return list(found.values())
