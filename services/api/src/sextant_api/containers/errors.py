"""Why a container is not listened to."""

from sextant_shared.contract.errors import InvalidTokenError


class ContainerEndedError(InvalidTokenError):
    """The run that the container belonged to has ended, and with it what its token is good for."""

    code = "container_ended"

    def __init__(self) -> None:
        super().__init__("The run of this container has ended")
