"""What a client asks of the history when it connects, and the pages of it that api gives.

The history is api's; here is only how it is asked for.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic import ValidationError

from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.history import NEWEST, HistoryPage
from sextant_shared.http.peers import Peer, PeerRefusedError

PAGE_FACTS: Final = 100
"""How many facts are fetched at a time."""
_MANY_COLLABORATIONS = 200
"""From so many on they are not named one by one: what is of others is passed over here."""
_SINCE: Final = "since"
_OFFSETS: Final = "offsets"


def since_in(query: str, payload: object) -> str | None:
    """Find from where on a client wants to hear events with their offsets; None if it did not ask for that.

    Args:
        query: of the first request of its session, which its library repeats when it comes back.
        payload: of CONNECT, which a client may make anew each time; goes before the query.
    """
    if isinstance(payload, Mapping):
        found = _asked(payload.get(_SINCE), payload.get(_OFFSETS))
        if found is not None:
            return found
    asked = parse_qs(query)
    return _asked(*(asked.get(name, [None])[0] for name in (_SINCE, _OFFSETS)))


def _asked(since: object, offsets: object) -> str | None:
    if isinstance(since, str) and since:
        return since
    return NEWEST if offsets in (True, 1, "1", "true") else None


class History:
    """The history, as api gives it.

    Args:
        api: who keeps it.
    """

    def __init__(self, api: Peer) -> None:
        self._api = api

    async def read(self, after: int | None, collaborations: Collection[int] | None) -> HistoryPage:
        """Read on.

        Args:
            after: position read last; None for the end of the history.
            collaborations: whose facts are of interest; None for all.

        Raises:
            UnavailableError: api does not answer, or not yet.
        """
        params: dict[str, Any] = {"limit": PAGE_FACTS}
        if after is not None:
            params["after"] = after
        if collaborations is not None and len(collaborations) <= _MANY_COLLABORATIONS:
            params["collaboration_id"] = sorted(collaborations) or [0]
        try:
            return HistoryPage.model_validate(await self._api.get("/internal/events", params=params))
        except (NotFoundError, PeerRefusedError, ValidationError) as error:
            # an api that is older than this relay, while both are being replaced
            raise UnavailableError("The api service does not give the history of events") from error
