"""Who may sit in which room: what a node hears, and what a user hears by its rights.

Knows neither connections nor who sits where.
"""

from collections.abc import Collection
from typing import Final, NamedTuple, Self

from sextant_relay.interest import EVERYTHING, about
from sextant_shared.contract.audiences import rooms_of_user
from sextant_shared.contract.rooms import Room
from sextant_shared.security import Principal


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

    def without(self, rooms: frozenset[Room]) -> Self:
        """The same, less some rooms."""
        return self._replace(rooms=self.rooms - rooms)


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


def listening_of_user(user: Principal, collaborations: Collection[int]) -> Listening:
    """Seat a user by its rights to receive events.

    Args:
        user: the user.
        collaborations: of its organization; looked at only if its rights depend on them.
    """
    own = frozenset({Room.user(user.id)})
    rooms = rooms_of_user(user.rights, user.organization_id, collaborations)
    if Room.everything() in rooms:
        return Listening(own | set(rooms), (), frozenset({EVERYTHING}))
    return Listening(own | set(rooms), rooms, frozenset(about(each) for each in collaborations if rooms))
