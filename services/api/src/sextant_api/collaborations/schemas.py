"""What may be said about a collaboration."""

from pydantic import Field

from sextant_api.fields import AnyId, DistinctIds, Name, RequestModel
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id


class NewCollaboration(RequestModel):
    """The body of POST /collaboration."""

    model_config = example({"name": "Rare tumours", "organization_ids": [1], "encrypted": False})

    name: Name
    organization_ids: DistinctIds
    encrypted: bool


class CollaborationChanges(RequestModel):
    """The body of PATCH /collaboration/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"name": "Very rare tumours"})

    name: Name = ""
    organization_ids: DistinctIds = Field(default_factory=list)
    encrypted: bool = False


class Member(RequestModel):
    """The body that names an organization or a node to be added or taken out."""

    model_config = example({"id": 1})

    id: Id


class LeavingNode(RequestModel):
    """The body that names a node to be taken out."""

    model_config = example({"id": 1})

    id: AnyId
