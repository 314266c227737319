"""How organizations look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.organizations.repository import SORTABLE
from sextant_shared.http.documentation import (
    FLAG,
    LIKE,
    NUMBER,
    NUMBERS,
    TEXT,
    Document,
    Id,
    ListPath,
    filters,
    sorted_by,
    told,
)

FILTERS = filters(
    name=LIKE, country=TEXT, collaboration_id=NUMBER, study_id=NUMBER, ids=NUMBERS, sort=sorted_by(SORTABLE)
)
DELETION = filters(
    delete_dependents=told(FLAG, "Take it out of its collaborations, and delete its nodes and tasks too")
)


class Organization(Document):
    """One organization."""

    id: Id
    name: Annotated[str, Field(examples=["Hospital of Alkmaar"])]
    domain: Annotated[str | None, Field(examples=["alkmaar.example"])]
    address1: Annotated[str | None, Field(examples=["Canal 1"])]
    address2: str | None
    zipcode: Annotated[str | None, Field(examples=["1811 AA"])]
    country: Annotated[str | None, Field(examples=["Netherlands"])]
    public_key: Annotated[str, Field(description="Base64 of a PEM; empty if there is none")]
    collaborations: ListPath
    nodes: ListPath
    users: ListPath
    tasks: ListPath
    runs: ListPath
    studies: ListPath
