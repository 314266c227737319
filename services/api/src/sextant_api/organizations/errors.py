"""What can be wrong about an organization."""

from sextant_shared.contract.errors import BadRequestError, NotFoundError


class UnknownOrganizationError(NotFoundError):
    """There is none of this id."""

    def __init__(self) -> None:
        super().__init__("There is no such organization")


class OrganizationNameTakenError(BadRequestError):
    """Names are unique."""

    def __init__(self) -> None:
        super().__init__("There is already an organization of this name")
