"""What can be wrong about a study."""

from sextant_shared.contract.errors import BadRequestError, NotFoundError


class UnknownStudyError(NotFoundError):
    """There is none of this id."""

    def __init__(self) -> None:
        super().__init__("There is no such study")


class StudyNameTakenError(BadRequestError):
    """Names are unique."""

    def __init__(self) -> None:
        super().__init__("There is already a study of this name")
