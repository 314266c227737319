"""`/api/blobstream`: large payloads come in and go out in pieces; the ordinary requests carry their ids.

Without a store clients hear that there is none, and send everything in the ordinary requests.
"""

from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from sextant_api.blobstream import repository
from sextant_api.blobstream.documents import DOWNLOAD, UPLOAD, StoreStatus, Upload
from sextant_api.blobstream.service import UploadCutError
from sextant_api.dependencies import AnyPrincipal, Db, Everything
from sextant_api.ownership.policy import Reach, is_within
from sextant_shared.contract.errors import NotConfiguredError, NotFoundError, PermissionDeniedError
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import refusals
from sextant_shared.http.json import JsonResponse

PATH = "/api/blobstream"

router = Router(prefix=PATH, tags=["large payloads"])


@router.get("/status", response_model=StoreStatus)
async def get_blob_store_status(_: AnyPrincipal, ours: Everything) -> JsonResponse:
    """Say whether there is a store for large payloads; clients ask before each task and result."""
    return JsonResponse({"blob_store_enabled": ours.blobs is not None})


@router.post("", response_model=Upload, responses=refusals(501), openapi_extra=UPLOAD)
async def upload_payload(request: Request, principal: AnyPrincipal, ours: Everything) -> JsonResponse:
    """Take a large payload: the body, whatever it is; returns the id that is to be sent as input or result."""
    if ours.blobs is None:
        raise _none()
    if principal.is_user:
        reach = Reach.of(principal, Resource.TASK, Operation.CREATE)
        if not (reach.everything or reach.collaborations):
            raise PermissionDeniedError("You may not make tasks, so there is nothing to upload")
    return JsonResponse({"uuid": await ours.blobs.take(principal, _body(request))})


@router.get("/{blob_id}", response_class=StreamingResponse, responses={**DOWNLOAD, **refusals(501)})
async def download_payload(principal: AnyPrincipal, db: Db, ours: Everything, blob_id: str) -> StreamingResponse:
    """Hand out a large payload to whoever may see a run whose input or result it is."""
    async with db.read() as session:
        payloads = await repository.find_payloads(session, blob_id, principal.organization_id)
    if not payloads:
        raise NotFoundError("No run has this for its input or result")
    reach = Reach.of(principal, Resource.RUN, Operation.VIEW)
    visible = [in_store for owner, in_store in payloads if is_within(reach, principal, owner)]
    if not visible:
        raise PermissionDeniedError("You may not see this payload")
    if ours.blobs is None:
        raise _none()
    if not any(visible):
        raise NotFoundError("This payload is in its run, not in the store")
    # No length: the node passes our headers on with a body that it has decrypted, which is shorter.
    return StreamingResponse(
        await ours.blobs.hand_out(blob_id),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{blob_id}.bin"'},
    )


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect:
        # nobody is there to hear it, unless the body was refused for its size
        raise UploadCutError("The upload ended before it was complete") from None


def _none() -> NotConfiguredError:
    return NotConfiguredError("This installation has no store for large payloads")
