"""Who sits in which room, and who may sit where.

A room holds nodes and users apart, so that an event can be meant for one kind alone: a task is told to the nodes it
is for and to all who watch the collaboration. Knows nothing of sockets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from sextant_relay.interest import EVERYTHING, about
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.contract.rooms import Room

if TYPE_CHECKING:
    from sextant_relay.connections import Connection
    from sextant_shared.security import Principal

NODES: Final = frozenset({ClientType.NODE})
USERS: Final = frozenset({ClientType.USER})
BOTH: Final = NODES | USERS


class Audience(NamedTuple):
    """Part of those who should hear something: the connections of these kinds in this room."""

    room: Room
    kinds: frozenset[ClientType] = BOTH


class Listening(NamedTuple):
    """What a connection may hear.

    Attributes:
        rooms: where it sits.
        told: those of them that the wire of vantage6 knows and whose joining is told; in order.
        keys: of the events that this replica must hear for it.
    """

    rooms: frozenset[Room]
    told: tuple[Room, ...]
    keys: frozenset[str]


SILENCE: Final = Listening(frozenset(), (), frozenset())


def listening_of_node(node: Principal, *, is_member: bool = True) -> Listening:
    """Seat a node: in its collaboration, unless its organization is known to have left that."""
    own = {Room.all_nodes(), Room.node(node.id)}
    if node.collaboration_id is None or not is_member:
        return Listening(frozenset(own), (), frozenset())
    told = (
        Room.collaboration(node.collaboration_id),
        Room.organization(node.collaboration_id, node.organization_id),
    )
    return Listening(frozenset(own | set(told)), told, frozenset({about(node.collaboration_id)}))


def hears_collaborations(user: Principal) -> bool:
    """Tell whether the collaborations of its organization decide what a user may hear."""
    scopes = user.rights.scopes(Resource.EVENT, Operation.RECEIVE)
    return Scope.GLOBAL not in scopes and bool(scopes & {Scope.COLLABORATION, Scope.ORGANIZATION})


def listening_of_user(user: Principal, collaborations: Collection[int]) -> Listening:
    """Seat a user by its rights to receive events.

    Args:
        user: the user.
        collaborations: of its organization; looked at only if `hears_collaborations`.
    """
    own = frozenset({Room.user(user.id)})
    scopes = user.rights.scopes(Resource.EVENT, Operation.RECEIVE)
    if Scope.GLOBAL in scopes:
        return Listening(own | {Room.everything()}, (), frozenset({EVERYTHING}))
    if Scope.COLLABORATION in scopes:
        told = tuple(Room.collaboration(collaboration_id) for collaboration_id in sorted(collaborations))
    elif Scope.ORGANIZATION in scopes:
        told = tuple(Room.organization(each, user.organization_id) for each in sorted(collaborations))
    else:
        return Listening(own, (), frozenset())
    return Listening(own | set(told), told, frozenset(about(each) for each in collaborations))


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
