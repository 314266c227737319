"""Tells the other services who a principal is."""

from fastapi import Depends

from sextant_auth.dependencies import Parts
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId

router = Router(prefix="/internal/principals", tags=["internal"])


@router.get("/{client_type}/{principal_id}", dependencies=[Depends(Peer())])
async def read_principal(client_type: ClientType, principal_id: PathId, parts: Parts) -> JsonResponse:
    """Read a principal; for a container the id is its node's."""
    # past the cache: whoever asks keeps the answer, and must not get one that is about to be forgotten here
    principal = await parts.principal_source.fetch(client_type, principal_id)
    if principal is None:
        raise NotFoundError(f"There is no {client_type} {principal_id}")
    return JsonResponse(principal.model_dump(mode="json"))
