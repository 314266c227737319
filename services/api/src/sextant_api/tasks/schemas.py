"""What the body of `POST /task` holds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sextant_api.fields import Name, NotNull, RequestModel, Text, ToldOfTheList
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id

_GivenId = Annotated[Id | None, NotNull]


class OrganizationInput(BaseModel):
    """One organization that is to run the task, and what its algorithm is given."""

    model_config = ConfigDict(frozen=True)

    id: Id
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
    organizations: Annotated[list[OrganizationInput], Field(min_length=1), ToldOfTheList]
    collaboration_id: _GivenId = None
    study_id: _GivenId = None
    store_id: _GivenId = None
    databases: Annotated[list[DatabaseChoice] | None, ToldOfTheList] = None
    server_url: str | None = None
