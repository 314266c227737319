"""What can be wrong with reading the history."""

from sextant_shared.contract.errors import GoneError
from sextant_shared.contract.history import Offset


class HistoryGapError(GoneError):
    """Events after the given offset are not known any more."""

    code = "history_gap"

    def __init__(self, newest: Offset) -> None:
        super().__init__(
            "Some events after this offset are not known any more; look at the things themselves, and go on from "
            "the `offset` given here",
            extra={"offset": str(newest)},
        )
