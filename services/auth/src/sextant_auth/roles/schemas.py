"""What may be said about a role. Its name is not as short as other names, because the wire never limited it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sextant_auth.catalogue import DEFAULT_ROLES
from sextant_auth.fields import RequestModel, Text
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id

_TAKEN = frozenset(role.name for role in DEFAULT_ROLES)


def _not_default(name: str) -> str:
    if name in _TAKEN:
        raise ValueError("is the name of a default role")
    return name


RoleName = Annotated[Text, Field(max_length=4096), AfterValidator(_not_default)]
Description = Annotated[Text, Field(max_length=1024)]


class NewRole(RequestModel):
    """The body of POST /role; without `organization_id` it is the caller's."""

    model_config = example({"name": "Data manager", "description": "Looks after nodes", "rules": [1, 2]})

    name: RoleName
    description: Description = ""
    rules: list[Id]
    organization_id: Id = 0


class RoleChanges(RequestModel):
    """The body of PATCH /role/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"description": "Looks after nodes and studies"})

    name: RoleName = ""
    description: Description = ""
    rules: list[Id] = Field(default_factory=list)
