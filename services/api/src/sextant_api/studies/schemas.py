"""What may be said about a study."""

from pydantic import Field

from sextant_api.fields import DistinctIds, Name, RequestModel
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id


class NewStudy(RequestModel):
    """The body of POST /study."""

    model_config = example({"name": "Survival after five years", "collaboration_id": 1, "organization_ids": [1]})

    name: Name
    collaboration_id: Id
    organization_ids: DistinctIds


class StudyChanges(RequestModel):
    """The body of PATCH /study/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"name": "Survival after ten years"})

    name: Name = ""
    organization_ids: DistinctIds = Field(default_factory=list)
    collaboration_id: Id = 0
    """The wire takes it, and takes no notice of it: a study stays where it is."""


class StudyMember(RequestModel):
    """The body that names an organization to be added or taken out."""

    model_config = example({"id": 1})

    id: Id
