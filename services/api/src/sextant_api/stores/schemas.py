"""What may be said about an algorithm store."""

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx2
from pydantic import AfterValidator, BeforeValidator, Field

from sextant_api.fields import Name, NotNull, RequestModel, Text
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id

MAX_URL: Final = 1024


def _http_url(text: str) -> str:
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("must not contain spaces")
    try:
        urlsplit(text)
        url = httpx2.URL(text)
    except (ValueError, httpx2.InvalidURL):
        # each finds what the other does not
        raise ValueError("must be a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must be a URL that begins with http:// or https://")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("must hold nothing but a host, a port and a path")
    return text.rstrip("/")


def _one_of_one(value: Any) -> Any:
    """Take a list of one for the one: the official client sends such lists."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


HttpUrl = Annotated[
    Text,
    Field(max_length=MAX_URL, json_schema_extra={"format": "uri", "examples": ["https://store.example.org/api"]}),
    AfterValidator(_http_url),
]
CollaborationId = Annotated[Id, BeforeValidator(_one_of_one)]
_GivenCollaborationId = Annotated[CollaborationId | None, NotNull]


class NewStore(RequestModel):
    """The body of POST /algorithmstore; without `collaboration_id` the store is for all collaborations."""

    model_config = example(
        {"name": "Community store", "algorithm_store_url": "https://store.example.org/api", "collaboration_id": 1}
    )

    name: Name
    algorithm_store_url: HttpUrl
    server_url: HttpUrl | None = None
    collaboration_id: _GivenCollaborationId = None
    force: bool = False


class StoreChanges(RequestModel):
    """The body of PATCH /algorithmstore/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"name": "Community store"})

    name: Name = ""
    collaboration_id: CollaborationId | None = None
    """Null: for all."""
