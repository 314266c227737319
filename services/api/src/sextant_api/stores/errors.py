"""What can be wrong about an algorithm store, or with asking one.

A store that does not do its part is 400, as on the wire: clients take a 5xx for a fault of this server.
"""

from sextant_shared.contract.errors import BadRequestError, NotFoundError


class UnknownStoreError(NotFoundError):
    """There is none of this id."""

    def __init__(self) -> None:
        super().__init__("There is no such algorithm store")


class StoreExistsError(BadRequestError):
    """The collaboration has the store already."""

    code = "already_exists"

    def __init__(self) -> None:
        super().__init__("This algorithm store is available there already")


class StoreAddressRefusedError(BadRequestError):
    """The store is where this server does not call."""

    code = "store_address_refused"


class StoreUnreachableError(BadRequestError):
    """The store does not answer, or not in time."""

    code = "store_unreachable"


class StoreRefusedError(BadRequestError):
    """The store answers with an error, or with nonsense.

    Attributes:
        store_status: the HTTP status of its answer.
    """

    code = "store_refused"

    def __init__(self, msg: str, store_status: int) -> None:
        super().__init__(msg)
        self.store_status = store_status


class AlgorithmNotInStoreError(BadRequestError):
    """The store does not have the algorithm, or not in this version."""

    code = "algorithm_not_in_store"
