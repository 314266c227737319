"""`/api/version`, `/api/health` and `/robots.txt`: for clients and crawlers, without a token.

`/readyz` is for orchestrators; `/api/health` says what the wire of vantage6 has a word for, the database.
"""

from typing import Annotated

from fastapi.responses import PlainTextResponse
from pydantic import Field

from sextant_api.dependencies import Db, NoCaller
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Document
from sextant_shared.http.json import JsonResponse

WIRE_VERSION = "4.15.2"
"""The version of vantage6 whose wire this is; clients compare it with their own."""

_UNAVAILABLE = 503
_NOTHING_FOR_CRAWLERS = "User-agent: *\nDisallow: /\n"

router = Router(tags=["system"])


class Version(Document):
    """Which wire is spoken."""

    version: Annotated[str, Field(examples=[WIRE_VERSION])]


class Health(Document):
    """Whether the database answers."""

    database: bool


@router.get("/api/version", response_model=Version)
async def version(_: NoCaller) -> JsonResponse:
    """Say which wire is spoken here."""
    return JsonResponse({"version": WIRE_VERSION})


@router.get("/api/health", response_model=Health, responses={_UNAVAILABLE: {"model": Health}})
async def health(_: NoCaller, db: Db) -> JsonResponse:
    """Say whether the database answers."""
    try:
        await db.ping()
    except UnavailableError as error:
        return JsonResponse({"database": False}, status_code=_UNAVAILABLE, headers=error.headers)
    return JsonResponse({"database": True})


@router.get("/robots.txt", response_class=PlainTextResponse)
async def robots(_: NoCaller) -> PlainTextResponse:
    """Keep crawlers out."""
    return PlainTextResponse(_NOTHING_FOR_CRAWLERS)
