"""How studies look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.organizations.documents import Organization
from sextant_api.studies.repository import SORTABLE
from sextant_shared.http.documentation import (
    FLAG,
    LIKE,
    NUMBER,
    Document,
    Id,
    Link,
    ListPath,
    filters,
    sorted_by,
    told,
    words,
)

INCLUDE = words("organizations")
FILTERS = filters(name=LIKE, organization_id=NUMBER, collaboration_id=NUMBER, include=INCLUDE, sort=sorted_by(SORTABLE))
ONE = filters(include=INCLUDE)
DELETION = filters(delete_dependents=told(FLAG, "Delete its tasks too"))


class Study(Document):
    """One study."""

    id: Id
    name: Annotated[str, Field(examples=["Survival after five years"])]
    collaboration: Link
    organizations: Annotated[ListPath | list[Organization], Field(description="In full where included")]
    tasks: ListPath
