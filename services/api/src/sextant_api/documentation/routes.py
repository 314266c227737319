"""`/api/openapi.json` and `/api/docs`: what the whole suite offers, for programs and for people.

The document is made beforehand (`make openapi`), so that nobody has to be asked for it. The page and all that it
loads come from here: it works without the web, and its Content-Security-Policy lets nothing else in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from fastapi.responses import HTMLResponse, Response

from sextant_api.dependencies import NoCaller
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.http.access import Router
from sextant_shared.http.json import JsonResponse

_OURS: Final = files("sextant_api.documentation")
_SWAGGER_UI: Final = files("fastapi_swagger") / "resources"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    # what Swagger UI draws has styles of its own, and icons inside of these
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HOUR: Final = {"Cache-Control": "public, max-age=3600"}


@dataclass(frozen=True)
class _Asset:
    """A file that the page loads."""

    file: Traversable
    media_type: str


_ASSETS: Final[Mapping[str, _Asset]] = {
    "start.js": _Asset(_OURS / "start.js", "text/javascript"),
    "swagger-ui-bundle.js": _Asset(_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": _Asset(_SWAGGER_UI / "swagger-ui.css", "text/css"),
    "favicon-32x32.png": _Asset(_SWAGGER_UI / "favicon-32x32.png", "image/png"),
}

router = Router(prefix="/api", tags=["system"])


@router.get("/openapi.json", response_model=dict[str, Any])
async def read_document(_: NoCaller) -> Response:
    """Describe everything that this server offers, in OpenAPI."""
    return Response((_OURS / "openapi.json").read_bytes(), media_type=JsonResponse.media_type)


@router.get("/docs", response_class=HTMLResponse)
async def show_documentation(_: NoCaller) -> HTMLResponse:
    """Show the documentation to people."""
    return HTMLResponse((_OURS / "page.html").read_text(), headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{name}", include_in_schema=False)
async def read_asset(_: NoCaller, name: str) -> Response:
    """Hand out a file that the page loads."""
    asset = _ASSETS.get(name)
    if asset is None:
        raise NotFoundError("There is nothing at this address")
    return Response(asset.file.read_bytes(), media_type=asset.media_type, headers=_HOUR)
