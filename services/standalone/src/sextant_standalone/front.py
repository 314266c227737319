"""What the gateway is to the distributed shape: sends each request to the service that owns its path."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.routing import service_for
from sextant_shared.http.exception_handlers import error_response
from sextant_shared.http.middleware import RequestContext


class Front:
    """One ASGI application in front of several.

    Args:
        services: by name, as in `contract.routing`.
    """

    def __init__(self, services: Mapping[str, ASGIApp]) -> None:
        self._services = services
        self._nobody = RequestContext(_not_found, service="standalone")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or say that nobody answers it."""
        owner = service_for(scope["path"])
        if owner is not None:
            await self._services[owner](scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await self._nobody(scope, receive, send)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(NotFoundError("There is nothing at this address"))(scope, receive, send)
