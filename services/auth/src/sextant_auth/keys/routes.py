"""Publishes the public keys."""

from fastapi import Depends

from sextant_auth.dependencies import Parts
from sextant_shared.http.access import Anyone, Router
from sextant_shared.http.documentation import Document
from sextant_shared.http.json import JsonResponse
from sextant_shared.security.jwks_client import JWKS_PATH

router = Router(tags=["keys"])

_CACHE_SECONDS = 60


class JwkSet(Document):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


@router.get(JWKS_PATH, dependencies=[Depends(Anyone())], response_model=JwkSet)
async def read_jwks(parts: Parts) -> JsonResponse:
    """Read the public keys with which tokens can be verified."""
    headers = {"Cache-Control": f"public, max-age={_CACHE_SECONDS}"}
    return JsonResponse(await parts.keyring.jwks(), headers=headers)
