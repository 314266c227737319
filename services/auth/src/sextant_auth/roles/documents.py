"""How roles look on the wire, for the documents."""

from typing import Annotated, Any

from pydantic import Field

from sextant_auth.roles.repository import SORTABLE
from sextant_shared.http.documentation import (
    FLAG,
    LIKES,
    NUMBER,
    NUMBERS,
    Document,
    Error,
    Id,
    Link,
    ListPath,
    filters,
    sorted_by,
    told,
)

FILTERS = filters(
    name=LIKES,
    description=LIKES,
    organization_id=NUMBERS,
    collaboration_id=NUMBER,
    rule_id=NUMBER,
    user_id=NUMBER,
    include_root=told(FLAG, "Default roles too, with `organization_id` or `collaboration_id`"),
    sort=sorted_by(SORTABLE),
)
DELETION = filters(delete_dependents=told(FLAG, "Even if users have it"))


class Role(Document):
    """One role: a set of rules with a name."""

    id: Id
    name: Annotated[str, Field(examples=["Data manager"])]
    description: Annotated[str | None, Field(examples=["Looks after nodes"])]
    organization: Annotated[Link | None, Field(description="None for a default role")]
    is_default_role: bool
    rules: ListPath
    users: ListPath


class RoleError(Error):
    """Why a role was refused; where fields are wrong, `msg` names them as `errors` does, for roles alone."""

    msg: str | dict[str, Any]  # type: ignore[assignment] # the wire differs here
