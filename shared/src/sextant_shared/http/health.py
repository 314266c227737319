"""`/livez`, `/readyz` and `/metrics`: for orchestrators and Prometheus, not routed by the gateway.

A lost broker or database makes a service not ready; it never makes it not alive, because a restart would not help.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Depends
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.http.access import Anyone, Router
from sextant_shared.http.json import JsonResponse

Ping = Callable[[], Awaitable[None]]
"""Returns when a dependency answers, raises `UnavailableError` when it does not."""

_PING_SECONDS = 2.0
_UNAVAILABLE = 503


def health_router(pings: Mapping[str, Ping]) -> Router:
    """Make the routes.

    Args:
        pings: of each thing without which the service is of no use.
    """
    router = Router(include_in_schema=False)

    @router.get("/livez")
    async def livez(_: Annotated[None, Depends(Anyone())]) -> JsonResponse:
        return JsonResponse({"alive": True})

    @router.get("/readyz")
    async def readyz(_: Annotated[None, Depends(Anyone())]) -> JsonResponse:
        states = await asyncio.gather(*(_state(ping) for ping in pings.values()))
        ready = all(states)
        return JsonResponse(
            {"ready": ready, "checks": dict(zip(pings, states, strict=True))},
            status_code=200 if ready else _UNAVAILABLE,
        )

    @router.get("/metrics")
    async def metrics(_: Annotated[None, Depends(Anyone())]) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _state(ping: Ping) -> bool:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ping()
    except (UnavailableError, TimeoutError):
        return False
    return True
