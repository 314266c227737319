"""What the body of `POST /task` holds."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sextant_api.fields import Name, RequestModel, Text
from sextant_shared.http.documentation import example
from sextant_shared.http.query import MAX_ID


def _wire_id(value: Any) -> Any:
    """Take numbers as the wire does, which reads "5" and 5.0 as 5; null is no id."""
    if isinstance(value, bool) or value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("Must be a whole number")
    return int(value) if isinstance(value, float) else value


WireId = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_wire_id)]
_GivenId = Annotated[Annotated[int, Field(ge=1, le=MAX_ID)] | None, BeforeValidator(_wire_id)]


class OrganizationInput(BaseModel):
    """One organization that is to run the task, and what its algorithm is given."""

    model_config = ConfigDict(frozen=True)

    id: WireId
    input: Text


class DatabaseChoice(BaseModel):
    """One database of the nodes that the algorithm uses; everything but the label is handed on as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    label: Text


class TaskRequest(RequestModel):
    """A task to make."""

    model_config = example(
        {
            "name": "Average age",
            "description": "The average of the column age",
            "image": "registry.example/average:1",
            "collaboration_id": 1,
            "organizations": [{"id": 1, "input": "eyJtZXRob2QiOiAiYXZlcmFnZSJ9"}],
            "databases": [{"label": "default"}],
        }
    )

    name: Name = ""
    description: Annotated[Text, Field(max_length=1024)] = ""
    image: Annotated[Text, Field(min_length=1)]
    organizations: Annotated[list[OrganizationInput], Field(min_length=1)]
    collaboration_id: _GivenId = None
    study_id: _GivenId = None
    store_id: _GivenId = None
    databases: list[DatabaseChoice] | None = None
    server_url: str | None = None
