"""What can be wrong about a collaboration."""

from sextant_shared.contract.errors import BadRequestError, NotFoundError


class UnknownCollaborationError(NotFoundError):
    """There is none of this id."""

    def __init__(self) -> None:
        super().__init__("There is no such collaboration")


class CollaborationNameTakenError(BadRequestError):
    """Names are unique."""

    def __init__(self) -> None:
        super().__init__("There is already a collaboration of this name")
