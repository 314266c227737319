"""`/api/blobstream`: says that there is no store for large payloads, so all go through the ordinary requests."""

from fastapi import APIRouter

from sextant_api.dependencies import AnyPrincipal
from sextant_shared.contract.errors import NotConfiguredError
from sextant_shared.http.json import JsonResponse

router = APIRouter(prefix="/api/blobstream")

_NONE = "This installation has no store for large payloads"


@router.get("/status")
async def get_status(_: AnyPrincipal) -> JsonResponse:
    """Say whether there is a store for large payloads; clients ask before each task and result."""
    return JsonResponse({"blob_store_enabled": False})


@router.post("")
async def put_payload(_: AnyPrincipal) -> JsonResponse:
    """Take a large payload."""
    raise NotConfiguredError(_NONE)


@router.get("/{payload_id}")
async def get_payload(_: AnyPrincipal, payload_id: str) -> JsonResponse:
    """Hand out a large payload."""
    del payload_id
    raise NotConfiguredError(_NONE)
