"""The one place that turns errors into bodies: JSON with `msg`, `code` and `request_id`, whatever went wrong."""

from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from structlog.contextvars import get_contextvars

from sextant_shared.contract.errors import SextantError, UnavailableError, ValidationFailedError
from sextant_shared.http.json import JsonResponse

_log = structlog.get_logger(__name__)

_BAD_REQUEST = 400
_NOT_FOUND = 404
_METHOD_NOT_ALLOWED = 405
_UNSUPPORTED_MEDIA_TYPE = 415
_INTERNAL_ERROR = 500

_HTTP_SENTENCES = {
    _BAD_REQUEST: ("The body of the request cannot be read", "unreadable_body"),
    _NOT_FOUND: ("There is nothing at this address", "not_found"),
    _METHOD_NOT_ALLOWED: ("This address does not know this method", "method_not_allowed"),
}


def install_exception_handlers(app: FastAPI) -> None:
    """Let `app` answer every error in our form."""
    app.add_exception_handler(SextantError, _sextant_error)
    app.add_exception_handler(RequestValidationError, _request_validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    for kind in (TimeoutError, ConnectionError, Exception):
        app.add_exception_handler(kind, unexpected_error)


def error_response(error: SextantError) -> JsonResponse:
    """Make the answer that tells `error`."""
    body = {
        "msg": error.msg,
        "code": error.code,
        "request_id": get_contextvars().get("request_id"),
        **error.extra,
    }
    return JsonResponse(body, status_code=error.status, headers=error.headers)


def _simple(status: int, msg: str, code: str, headers: dict[str, str] | None = None) -> JsonResponse:
    # programs of vantage6 4.x find some framework errors under `message`
    body = {
        "msg": msg,
        "message": msg,
        "code": code,
        "request_id": get_contextvars().get("request_id"),
    }
    return JsonResponse(body, status_code=status, headers=headers)


async def _sextant_error(_request: Request, error: Exception) -> JsonResponse:
    assert isinstance(error, SextantError)  # noqa: S101 - FastAPI's signature is wider than what it calls
    if error.status >= _INTERNAL_ERROR:
        _log.warning("request_failed", code=error.code, reason=error.msg, cause=repr(error.__cause__))
    return error_response(error)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    msg, code = _HTTP_SENTENCES.get(error.status_code, (str(error.detail), "http_error"))
    headers = dict(error.headers or {})
    if error.status_code == _METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route that has this path; there may be one route per method
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
        if request.method == "OPTIONS":
            return Response(headers=headers)
    return _simple(error.status_code, msg, code, headers)


def _methods_at(request: Request) -> set[str]:
    """What may be done at the address of a request, with what is answered wherever there is a route."""
    of_routes = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    }
    return of_routes | ({"HEAD", "OPTIONS"} if "GET" in of_routes else {"OPTIONS"})


async def _request_validation_error(request: Request, error: Exception) -> JsonResponse:
    """Judge as the wire does.

    A path that does not fit is unknown, a body must say that it is JSON, and fields are named one by one.
    """
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    problems = error.errors()
    where = {str(problem["loc"][0]) for problem in problems}
    if "path" in where:
        msg, code = _HTTP_SENTENCES[_NOT_FOUND]
        return _simple(_NOT_FOUND, msg, code)
    if "body" in where:
        if not says_json(request):
            return _simple(
                _UNSUPPORTED_MEDIA_TYPE,
                "The request must have the content type application/json",
                "no_json",
            )
        if is_empty(request) or any(problem["type"] == "json_invalid" for problem in problems):
            return _simple(_BAD_REQUEST, "The body of the request is not valid JSON", "malformed_json")
    return error_response(ValidationFailedError(field_errors(error)))


def says_json(request: Request) -> bool:
    """Tell whether a request says that its body is JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def is_empty(request: Request) -> bool:
    """Tell whether a request comes without a body."""
    return request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers


def field_errors(error: RequestValidationError) -> dict[str, Any]:
    """Name what is wrong by field, items of a list by their place: `{"rules": {"0": ["..."]}}`."""
    errors: dict[str, Any] = {}
    for problem in error.errors():
        *outer, last = [str(part) for part in problem["loc"][1:]] or ["_schema"]
        place = errors
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            known = place.setdefault(last, [])
            if isinstance(known, list):
                known.append(str(problem["msg"]))
    return errors


async def unexpected_error(request: Request, error: Exception) -> JsonResponse:
    """Answer what nobody foresaw: 503 when something we need was not there, else 500; the log has the rest."""
    if isinstance(error, TimeoutError | ConnectionError):
        _log.warning("request_failed", reason=repr(error), path=request.url.path)
        return error_response(UnavailableError("Something that is needed for the answer is not available"))
    _log.error("request_crashed", path=request.url.path, method=request.method, exc_info=error)
    return _simple(_INTERNAL_ERROR, "The server failed to answer this request", "internal_error")


def raw_error_body(msg: str, code: str) -> bytes:
    """The body of an error for places below FastAPI, such as middleware."""
    return orjson.dumps({"msg": msg, "code": code, "request_id": get_contextvars().get("request_id")})
