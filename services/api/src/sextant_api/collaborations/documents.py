"""How collaborations look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.collaborations.repository import SORTABLE
from sextant_api.organizations.documents import Organization
from sextant_shared.contract.statuses import Presence
from sextant_shared.http.documentation import (
    FLAG,
    LIKE,
    NUMBER,
    Document,
    Id,
    Link,
    ListPath,
    Time,
    filters,
    sorted_by,
    told,
    words,
)

INCLUDE = words("organizations")
FILTERS = filters(
    name=LIKE,
    encrypted=FLAG,
    organization_id=NUMBER,
    algorithm_store_id=NUMBER,
    include=INCLUDE,
    sort=sorted_by(SORTABLE),
)
ONE = filters(include=INCLUDE)
DELETION = filters(delete_dependents=told(FLAG, "Delete its studies, nodes and tasks too"))


class Collaboration(Document):
    """One collaboration."""

    id: Id
    name: Annotated[str, Field(examples=["Rare tumours"])]
    encrypted: bool
    organizations: Annotated[ListPath | list[Organization], Field(description="In full where included")]
    nodes: ListPath
    tasks: ListPath
    algorithm_stores: ListPath
    studies: ListPath


class CollaborationNode(Document):
    """A node, as the answer to adding one to a collaboration lists it."""

    id: Id
    name: Annotated[str, Field(examples=["Hospital of Alkmaar - Rare tumours Node"])]
    organization: Link
    ip: Annotated[str | None, Field(examples=["10.76.0.2"])]
    status: Presence
    last_seen: Time | None
