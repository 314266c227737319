"""What api asks of us about the credentials of its nodes."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from sextant_auth.audit import Actor
from sextant_auth.dependencies import Parts
from sextant_auth.nodes.service import NodeProfile
from sextant_shared.contract.routing import API
from sextant_shared.http.access import Peer, Router
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

router = Router(prefix="/internal/nodes", tags=["internal"])

Api = Annotated[Principal, Depends(Peer(API))]


class CredentialBody(BaseModel):
    """For whom a key is made."""

    model_config = ConfigDict(extra="ignore")

    organization_id: int
    collaboration_id: int | None
    name: str = Field(max_length=128)


@router.put("/{node_id}/credential")
async def put_credential(node_id: PathId, body: CredentialBody, parts: Parts, api: Api) -> JsonResponse:
    """Make or replace a node's API key; the answer is the only place that shows it."""
    profile = NodeProfile(node_id, body.organization_id, body.collaboration_id, body.name)
    async with parts.change() as tx:
        key = await parts.node_credentials.set_key(tx, profile, actor=Actor.of(api))
    return JsonResponse({"api_key": key})


@router.delete("/{node_id}/credential")
async def delete_credential(node_id: PathId, parts: Parts, api: Api) -> JsonResponse:
    """Remove a node's API key and end its logins; safe to repeat."""
    async with parts.change() as tx:
        await parts.node_credentials.remove(tx, node_id, actor=Actor.of(api))
    return JsonResponse({})
