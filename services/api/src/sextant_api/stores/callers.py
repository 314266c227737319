"""In whose name a store is asked: with the caller's token, and by the URL that the store knows this server by."""

from urllib.parse import urlsplit

from fastapi import Request

from sextant_api.stores.client import Caller
from sextant_shared.contract.routing import API_PREFIX
from sextant_shared.http.access import bearer_token


def caller_of(request: Request, *, configured: str, given: str | None) -> Caller:
    """Say in whose name a request is.

    Args:
        request: of the caller.
        configured: by which URL the outside knows this server, if that is known.
        given: by which one the caller knows it, if it says so; else it is the one that was called.
    """
    url = (configured or given or _called(request)).rstrip("/")
    is_of_api = urlsplit(url).path.endswith(API_PREFIX)
    return Caller(bearer_token(request), url if is_of_api else url + API_PREFIX)


def _called(request: Request) -> str:
    # the gateway says what it was called by
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    host = request.headers.get("x-forwarded-host", request.url.netloc)
    return f"{scheme}://{host}"
