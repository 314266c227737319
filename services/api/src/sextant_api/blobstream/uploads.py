"""Uploads as payloads: a payload that is the id of an upload is one, and nobody but who made the upload may say so."""

import re
from collections.abc import Iterable
from typing import Final

from sextant_api.blobstream import repository
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.db import Transaction
from sextant_shared.security import Principal

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class UnknownUploadError(BadRequestError):
    """A payload names an upload that the caller did not make, or that is gone."""

    code = "unknown_upload"


def owner_of_uploads(principal: Principal) -> str:
    """Who uploads: a user, a node, or the algorithm of one task at one organization."""
    if principal.is_container:
        return f"{principal.client_type}:{principal.id}:{principal.organization_id}"
    return f"{principal.client_type}:{principal.id}"


async def claim(tx: Transaction, principal: Principal, payloads: Iterable[str]) -> frozenset[str]:
    """Find out which payloads are ids of uploads, and keep these uploads as long as the payloads are there.

    Raises:
        UnknownUploadError: one is the id of an upload that is not there for the caller to use.
    """
    named = {payload for payload in payloads if _UPLOAD_ID.fullmatch(payload)}
    if not named:
        return frozenset()
    claimed = await repository.claim(tx.session, named, owner_of_uploads(principal))
    missing = named - claimed
    if missing:
        raise UnknownUploadError(f"Not an upload of yours, or one that is gone: {', '.join(sorted(missing))}")
    return frozenset(claimed)
