"""What may stand in the way of a port."""

from sextant_shared.contract.errors import SextantError


class PortTakenError(SextantError):
    """Another run listens at the same port of the same address.

    Attributes:
        address: where, as it stands in the lease.
        port: which.
    """

    status = 409
    code = "port_taken"

    def __init__(self, port: int, address: str) -> None:
        super().__init__(f"Port {port} is held by another run")
        self.address = address
        self.port = port
