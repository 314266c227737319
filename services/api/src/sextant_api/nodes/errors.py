"""What can be wrong about a node."""

from sextant_shared.contract.errors import BadRequestError, NotFoundError


class UnknownNodeError(NotFoundError):
    """There is none of this id."""

    def __init__(self) -> None:
        super().__init__("There is no such node")


class NodeNameTakenError(BadRequestError):
    """Names are unique."""

    def __init__(self) -> None:
        super().__init__("There is already a node of this name")


class SecondNodeError(BadRequestError):
    """An organization has one node in a collaboration."""

    def __init__(self) -> None:
        super().__init__("The organization already has a node in this collaboration")
