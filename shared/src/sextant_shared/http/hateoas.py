"""Links and times as the wire of vantage6 4.x writes them.

Owns the table of which methods a linked resource has. A to-one relation is `{"id", "link", "methods"}`, a to-many
one the path of a list. It must not know which resource links to which: that is said by each service's own `hateoas`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from sextant_shared.contract.routing import API_PREFIX

_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "algorithmstore": ("DELETE", "GET", "PATCH"),
    "collaboration": ("DELETE", "GET", "PATCH"),
    "node": ("DELETE", "GET", "PATCH"),
    "organization": ("DELETE", "GET", "PATCH"),
    "result": ("GET", "PATCH"),
    "role": ("DELETE", "GET", "PATCH"),
    "run": ("GET", "PATCH"),
    "study": ("DELETE", "GET", "PATCH"),
    "task": ("DELETE", "GET"),
    "user": ("DELETE", "GET", "PATCH"),
}
"""By name of the resource in paths; `result` lists PATCH, which only `run` answers, because the wire does."""


def path(resource: str, resource_id: int) -> str:
    """The path of one thing."""
    return f"{API_PREFIX}/{resource}/{resource_id}"


def link(resource: str, resource_id: int) -> dict[str, Any]:
    """A to-one relation."""
    return {"id": resource_id, "link": path(resource, resource_id), "methods": _METHODS[resource]}


def link_or_none(resource: str, resource_id: int | None) -> dict[str, Any] | None:
    """A to-one relation that may be missing."""
    return None if resource_id is None else link(resource, resource_id)


def list_path(resource: str, **query: int | str) -> str:
    """A to-many relation: the path of the list of `resource` that `query` narrows."""
    return f"{API_PREFIX}/{resource}?{urlencode(query)}"


def wire_time(moment: datetime | None) -> str | None:
    """An instant: UTC, microseconds, no zone."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
