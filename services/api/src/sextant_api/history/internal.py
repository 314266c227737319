"""`/internal/events`: what relay reads for those who missed something."""

from typing import Annotated

from fastapi import Depends, Query

from sextant_api.dependencies import Everything
from sextant_shared.contract.routing import RELAY
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import MAX_ID
from sextant_shared.security import Principal

_MOST = 500

router = Router(prefix="/internal/events")


@router.get("")
async def read_history(
    _: Annotated[Principal, Depends(Peer(RELAY))],
    ours: Everything,
    after: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
    collaboration_id: Annotated[list[int] | None, Query()] = None,
) -> JsonResponse:
    """Tell what was recorded after a position, of all collaborations or some; without a position, where the end is."""
    page = await ours.history.read(after=after, limit=limit, collaborations=collaboration_id)
    return JsonResponse(page.model_dump(mode="json"))
