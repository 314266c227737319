"""Takes uploads into the object store, hands them out, and clears away those that nothing refers to.

A note in the database precedes the bytes and outlives them, so nothing is ever in the store that nobody knows of. No
transaction is open while bytes flow.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import structlog

from sextant_api.blobstream import repository
from sextant_api.blobstream.objects import Objects
from sextant_api.blobstream.uploads import owner_of_uploads
from sextant_shared.contract.errors import BadRequestError, UnavailableError
from sextant_shared.db import Database
from sextant_shared.ids import new_id
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

_DOOMED_AT_ONCE: Final = 500


class UploadCutError(BadRequestError):
    """An upload ended before it was complete, or stood still for too long."""

    code = "upload_cut"


class Blobs:
    """The large payloads.

    Args:
        db: holds the notes.
        objects: holds the bytes.
        at_once: how many uploads are read at a time; more wait, and cost no memory.
        stall_seconds: how long an upload may stand still.
        unused_seconds: how long an upload is kept that no payload refers to.
    """

    def __init__(
        self, db: Database, objects: Objects, *, at_once: int, stall_seconds: float, unused_seconds: float
    ) -> None:
        self._db = db
        self._objects = objects
        self._turns = asyncio.Semaphore(at_once)
        self._stall_seconds = stall_seconds
        self._unused_seconds = unused_seconds

    async def take(self, principal: Principal, body: AsyncIterator[bytes]) -> str:
        """Store an upload; returns its id.

        Raises:
            UploadCutError: it stood still; nothing is left of it.
            UnavailableError: the store or the database does not take it; nothing is left of it, or will be soon.
        """
        blob_id = str(new_id())
        async with self._turns:
            async with self._db.transaction() as tx:
                await repository.begin(tx.session, blob_id, owner_of_uploads(principal))
            try:
                size = await self._objects.write(blob_id, self._unless_stalled(body))
            except BaseException:
                # if this fails, `collect` does it later
                with suppress(UnavailableError):
                    await asyncio.shield(self._forget(blob_id))
                raise
        async with self._db.transaction() as tx:
            is_wanted = await repository.finish(tx.session, blob_id, size)
        if not is_wanted:
            await self._objects.delete(blob_id)
            raise UploadCutError("The upload took longer than uploads are kept")
        _log.info("blob_stored", blob_id=blob_id, bytes=size)
        return blob_id

    async def hand_out(self, blob_id: str) -> AsyncIterator[bytes]:
        """Find an upload; what is returned gives its bytes.

        Raises:
            NotFoundError: it is gone.
            UnavailableError: the store does not answer.
        """
        return await self._objects.read(blob_id)

    async def collect(self) -> None:
        """Clear away what nothing refers to. Several replicas may do it at once, and it may stop anywhere.

        Raises:
            UnavailableError: the store or the database does not answer.
        """
        async with self._db.transaction() as tx:
            doomed = await repository.doom(tx.session, unused_seconds=self._unused_seconds, limit=_DOOMED_AT_ONCE)
        for blob_id in doomed:
            await self._objects.delete(blob_id)
            await self._forget(blob_id)
        if doomed:
            _log.info("blobs_collected", number=len(doomed))

    async def _forget(self, blob_id: str) -> None:
        async with self._db.transaction() as tx:
            await repository.forget(tx.session, blob_id)

    async def _unless_stalled(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    piece = await anext(body, None)
            except TimeoutError:
                raise UploadCutError(f"The upload stood still for {self._stall_seconds:g} s") from None
            if piece is None:
                return
            yield piece
