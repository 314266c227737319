"""The rooms of the socket namespace `/tasks`, as values."""

from typing import NamedTuple, Self


class Room(NamedTuple):
    """A named set of connections. Only the constructors know how names are built."""

    name: str

    def __str__(self) -> str:
        return self.name

    @classmethod
    def all_nodes(cls) -> Self:
        """Every node."""
        return cls("all_nodes")

    @classmethod
    def collaboration(cls, collaboration_id: int) -> Self:
        """The nodes of a collaboration and the users who may hear all of it."""
        return cls(f"collaboration_{collaboration_id}")

    @classmethod
    def organization(cls, collaboration_id: int, organization_id: int) -> Self:
        """One organization's part of a collaboration: its node and its users who hear only their own."""
        return cls(f"collaboration_{collaboration_id}_organization_{organization_id}")

    @classmethod
    def everything(cls) -> Self:
        """The users who may hear of every collaboration (ours: vantage6 puts them into each of its rooms)."""
        return cls("everything")

    @classmethod
    def node(cls, node_id: int) -> Self:
        """The connections of one node (ours as well, so nobody is told of it)."""
        return cls(f"node_{node_id}")

    @classmethod
    def user(cls, user_id: int) -> Self:
        """The connections of one user (ours, as above)."""
        return cls(f"user_{user_id}")
