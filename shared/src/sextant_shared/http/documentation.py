"""What an application says about itself in OpenAPI: derived from its routes, so that routes repeat nothing.

Owns what all documents have in common: the form of errors, of pages and of links, which refusals follow from how a
route is declared (its access rule, its parameters, its body), and how query parameters are described that routes read
by hand. A route adds what it answers (`response_model`; answers are never validated on the way out), its `filters`,
and `refusals` that nothing else tells. Must not know any resource.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field

from sextant_shared.http.access import PRINCIPALS, AccessRule, Anyone, Caller, GuardedRoute, access_rule, declared_calls
from sextant_shared.http.pagination import DEFAULT_PER_PAGE, MAX_NUMBER, requested_page
from sextant_shared.http.query import MAX_ID

Item = TypeVar("Item")

Id = Annotated[int, Field(ge=1, le=MAX_ID, examples=[1])]
Time = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$",
        description="UTC, without a zone",
        examples=["2024-05-17T09:30:00.000000"],
    ),
]
ListPath = Annotated[
    str, Field(pattern="^/api/", description="The path of the list of what is related", examples=["/api/task?page=1"])
]


def example(body: Mapping[str, Any]) -> ConfigDict:
    """Show what a whole body may look like, as the `model_config` of its model."""
    return ConfigDict(json_schema_extra={"examples": [dict(body)]})


class Document(BaseModel):
    """An answer as it is documented: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class Message(Document):
    """What was done, in words."""

    msg: Annotated[str, Field(examples=["It is done"])]


class Link(Document):
    """A relation to one thing."""

    id: Id
    link: Annotated[str, Field(pattern="^/api/", examples=["/api/organization/1"])]
    methods: Annotated[list[str], Field(examples=[["DELETE", "GET", "PATCH"]])]


class PageLinks(Document):
    """Paths of pages; `next`, `previous` and `last` are absent where there is none."""

    self: Annotated[str, Field(examples=["/api/organization?page=1"])]
    first: Annotated[str, Field(examples=["/api/organization?page=1"])]
    last: Annotated[str, Field(examples=["/api/organization?page=3"])] = ""
    next: Annotated[str, Field(examples=["/api/organization?page=2"])] = ""
    previous: str = ""


class Listed(Document, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    links: PageLinks


class Error(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(extra="allow")

    msg: Annotated[str, Field(description="For people", examples=["There is no organization 7"])]
    code: Annotated[str, Field(description="For programs; stable", examples=["not_found"])]
    request_id: Annotated[str | None, Field(description="To find the request in the logs", examples=["0193a5b2-7c1e"])]
    errors: Annotated[
        dict[str, Any],
        Field(description="What is wrong, by field; in lists by place", examples=[{"name": ["Field required"]}]),
    ] = {}
    message: Annotated[str, Field(description="The same as `msg`, where the wire has that name")] = ""


Parameter = Mapping[str, Any]
"""How a query parameter is described, but for its name."""

TEXT: Final[Parameter] = {"schema": {"type": "string"}}
LIKE: Final[Parameter] = {
    "schema": {"type": "string"},
    "description": "A pattern: `%` stands for any text, `_` for one character",
}
NUMBER: Final[Parameter] = {"schema": {"type": "integer", "minimum": -MAX_ID, "maximum": MAX_ID}}
NUMBERS: Final[Parameter] = {"schema": {"type": "array", "items": NUMBER["schema"]}, "description": "May be repeated"}
LIKES: Final[Parameter] = {
    "schema": {"type": "array", "items": LIKE["schema"]},
    "description": f"{LIKE['description']}; may be repeated",
}
FLAG: Final[Parameter] = {"schema": {"type": "boolean"}}
MOMENT: Final[Parameter] = {
    "schema": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]},
    "description": "An ISO 8601 date or time; without a zone it is UTC",
}


def one_of(*words: str) -> Parameter:
    """Describe a parameter that is one of some words."""
    return {"schema": {"type": "string", "enum": list(words)}}


def words(*known: str) -> Parameter:
    """Describe a parameter that is a set of words; unknown ones are ignored."""
    return {
        "schema": {"type": "array", "items": {"type": "string"}, "examples": [list(known)]},
        "style": "form",
        "explode": False,
        "description": f"Any of {', '.join(f'`{word}`' for word in known)}; repeated, or joined by commas",
    }


def sorted_by(columns: Mapping[str, object | None]) -> Parameter:
    """Describe by what a list may be sorted, as `Page.order_by` takes it; names that change nothing are not told."""
    known = sorted(name for name, column in columns.items() if column is not None)
    return {
        "schema": {"type": "array", "items": {"type": "string", "enum": [*known, *(f"-{name}" for name in known)]}},
        "style": "form",
        "explode": False,
        "description": "Names joined by commas, each with `-` in front to descend; what is missing counts as least",
        "example": ["-id"],
    }


def told(kind: Parameter, description: str) -> Parameter:
    """Say more about a parameter than its kind does."""
    return {**kind, "description": description}


def filters(**parameters: Parameter) -> dict[str, Any]:
    """Describe the query parameters that a route reads by hand, as its `openapi_extra`."""
    return {"parameters": [{"name": name, "in": "query", **kind} for name, kind in parameters.items()]}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Name refusals that nothing else in a route's declaration tells, as its `responses`."""
    return {status: {"description": _MEANINGS[status]} for status in statuses}


REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a name
SERVICE_SECRET: Final = "service_secret"  # noqa: S105 - a name


def secured_by(scheme: str) -> dict[str, Any]:
    """Name what lets a route's callers in where that is no access token, as its `openapi_extra`."""
    return {"security": [{scheme: []}]}


_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request is not valid (`errors` says where), or does not fit the state of what it is about",
    401: "There is no good token, or the caller may not do this",
    403: "This kind of caller (user, node, container) has no business here",
    404: "There is no such thing",
    409: "Somebody else has it",
    410: "It is there no more",
    413: "The body is too large",
    415: "The body must be JSON, and say so",
    422: "The token is none of ours, or for another purpose",
    429: "Too many requests",
    501: "This installation does not offer this",
    503: "Something that is needed for the answer is away; try again after `Retry-After` seconds",
}
_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token"},
    REFRESH_TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A refresh token"},
    SERVICE_SECRET: {"type": "http", "scheme": "basic", "description": "Name and secret of a service"},
}
_PAGE_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "page": {"schema": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER, "default": 1}},
    "per_page": {"schema": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER, "default": DEFAULT_PER_PAGE}},
}
_PAGE_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "total-count": {
        "schema": {"type": "integer", "minimum": 0},
        "required": True,
        "description": "How many there are on all pages",
    },
    "Link": {"schema": {"type": "string"}, "required": True, "description": "The links of the body (RFC 8288)"},
}
_RETRY_AFTER: Final = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds"}
_JSON: Final = "application/json"
_FASTAPIS_GUESS: Final = "HTTPValidationError"
_PAGE_OF: Final = re.compile(r"\bListed_(\w+?)_\b")
"""How pydantic names one page of something."""
_SCHEMAS: Final = "#/components/schemas/{model}"


class DocumentedApi(FastAPI):
    """A FastAPI application whose document is complete; the name of a route's function is its operation id."""

    def __init__(self, **options: Any) -> None:
        super().__init__(generate_unique_id_function=_operation_id, **options)
        self.router.route_class = GuardedRoute

    def openapi(self) -> dict[str, Any]:
        """Describe the application."""
        document: dict[str, Any] = json.loads(_PAGE_OF.sub(r"PageOf\1", json.dumps(super().openapi())))
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).pop(_FASTAPIS_GUESS, None)
        components["schemas"].pop("ValidationError", None)
        for route in iter_route_contexts(self.routes):
            for method in route.methods or ():
                operation = document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    _complete(method, operation, route)
                    if method == "PATCH":
                        _forget_defaults(components["schemas"][_body_model(operation)])
        components["schemas"]["Error"] = Error.model_json_schema(ref_template=_SCHEMAS)
        components["responses"] = {_name(status): _refusal(status) for status in _MEANINGS}
        components["parameters"] = {
            name: {"name": name, "in": "query", **kind} for name, kind in _PAGE_PARAMETERS.items()
        }
        components["headers"] = dict(_PAGE_HEADERS)
        components["securitySchemes"] = dict(_SCHEMES)
        _correct(document)
        return document


def _operation_id(route: APIRoute) -> str:
    # what services ask each other is often named as what they offer the world
    return f"internal_{route.name}" if route.path_format.startswith("/internal") else route.name


def _complete(method: str, operation: dict[str, Any], route: RouteContext) -> None:
    """Add what follows from how the route is declared."""
    rule = access_rule(route)
    description = operation.get("description", "")
    if not route.summary:
        operation["summary"] = re.split(r"[.;:](?:\s|$)|\s\(", description, maxsplit=1)[0]
    if isinstance(rule, Anyone):
        operation.setdefault("security", [])
    elif isinstance(rule, Caller):
        operation["description"] = f"{description}\n\nFor {_listed([f'{kind}s' for kind in rule.kinds])}."
    if _FASTAPIS_GUESS in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
    for status in _expected(method, operation, rule):
        operation["responses"].setdefault(str(status.value), {})
    if requested_page in declared_calls(route):
        _add_pages(operation)
    for status, response in operation["responses"].items():
        if int(status) >= HTTPStatus.BAD_REQUEST and "content" not in response:
            operation["responses"][status] = {"$ref": f"#/components/responses/{_name(int(status))}"}


def _expected(method: str, operation: Mapping[str, Any], rule: object) -> Iterator[HTTPStatus]:
    """Tell which refusals follow from a route's declaration."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    body = operation.get("requestBody")
    if body or "query" in places or (places and method != "GET"):
        yield HTTPStatus.BAD_REQUEST
    if "path" in places:
        yield HTTPStatus.NOT_FOUND
    if body:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if _JSON in body["content"]:
            yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if isinstance(rule, AccessRule):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.UNPROCESSABLE_ENTITY
        if not isinstance(rule, Caller) or set(rule.kinds) != set(PRINCIPALS):
            yield HTTPStatus.FORBIDDEN
    yield HTTPStatus.SERVICE_UNAVAILABLE


def _add_pages(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).extend(
        {"$ref": f"#/components/parameters/{name}"} for name in _PAGE_PARAMETERS
    )
    operation["responses"]["200"]["headers"] = {
        name: {"$ref": f"#/components/headers/{name}"} for name in _PAGE_HEADERS
    }
    operation["responses"].setdefault("400", {})


def _refusal(status: int) -> dict[str, Any]:
    return {
        "description": _MEANINGS[status],
        "content": {_JSON: {"schema": {"$ref": _SCHEMAS.format(model="Error")}}},
        **({"headers": {"Retry-After": _RETRY_AFTER}} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}),
    }


def _name(status: int) -> str:
    return re.sub("[^A-Za-z]", "", HTTPStatus(status).phrase.title())


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _body_model(operation: Mapping[str, Any]) -> str:
    reference: str = operation["requestBody"]["content"][_JSON]["schema"]["$ref"]
    return reference.rpartition("/")[2]


def _forget_defaults(schema: dict[str, Any]) -> None:
    """What a change leaves out stays as it is, whatever the model has in its place."""
    for described in schema["properties"].values():
        described.pop("default", None)


def _correct(part: Any) -> None:
    """Correct what FastAPI and pydantic say of values, here and further inside.

    Bounds were turned into floats, which cannot say the largest id; a default out of bounds stands for absence.
    """
    if isinstance(part, dict):
        if part.get("type") == "integer":
            part.update({key: min(int(part[key]), MAX_ID) for key in ("minimum", "maximum") if key in part})
        default = part.get("default")
        if (isinstance(default, int) and default < part.get("minimum", default)) or (
            default == "" and (part.get("minLength") or "format" in part)
        ):
            del part["default"]
        for inner in part.values():
            _correct(inner)
    elif isinstance(part, list):
        for inner in part:
            _correct(inner)
