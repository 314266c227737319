"""How nodes look on the wire, for the documents."""

from typing import Annotated, Literal

from pydantic import Field

from sextant_api.nodes.repository import SORTABLE
from sextant_shared.contract.statuses import Presence
from sextant_shared.http.documentation import (
    LIKE,
    MOMENT,
    NUMBER,
    TEXT,
    Document,
    Id,
    Link,
    Time,
    filters,
    sorted_by,
    told,
)

FILTERS = filters(
    name=LIKE,
    organization_id=NUMBER,
    collaboration_id=NUMBER,
    study_id=NUMBER,
    status=told(TEXT, " or ".join(f"`{status}`" for status in Presence)),
    ip=TEXT,
    last_seen_from=MOMENT,
    last_seen_till=MOMENT,
    sort=sorted_by(SORTABLE),
)


class ConfigEntry(Document):
    """One thing that a node shares about its configuration."""

    key: Annotated[str, Field(examples=["allowed_algorithms"])]
    value: Annotated[str | None, Field(examples=["registry.example/average"])]


class Node(Document):
    """One node."""

    id: Id
    type: Literal["node"]
    name: Annotated[str, Field(examples=["Hospital of Alkmaar - Rare tumours Node"])]
    organization: Link
    collaboration: Link | None
    ip: Annotated[str | None, Field(description="In the VPN", examples=["10.76.0.2"])]
    status: Presence
    last_seen: Time | None
    config: list[ConfigEntry]


class CreatedNode(Node):
    """A node that was just made, with its API key, which is not shown again."""

    api_key: Annotated[str, Field(examples=["3f0c2d1e-6b7a-4c59-9d11-0a4b8c7e5f21"])]
