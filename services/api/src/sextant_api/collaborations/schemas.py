"""What may be said about a collaboration."""

from pydantic import Field

from sextant_api.fields import DistinctIds, Id, Name, RequestModel


class NewCollaboration(RequestModel):
    """The body of POST /collaboration."""

    name: Name
    organization_ids: DistinctIds
    encrypted: bool


class CollaborationChanges(RequestModel):
    """The body of PATCH /collaboration/{id}; only what was sent counts, so the defaults are never read."""

    name: Name = ""
    organization_ids: DistinctIds = Field(default_factory=list)
    encrypted: bool = False


class Member(RequestModel):
    """The body that names an organization or a node to be added or taken out."""

    id: Id
