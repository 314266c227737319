"""How rules look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_auth.rules.repository import SORTABLE
from sextant_shared.http.documentation import NUMBER, TEXT, Document, Id, ListPath, filters, sorted_by, told

FILTERS = filters(
    name=TEXT,
    scope=TEXT,
    operation=TEXT,
    role_id=NUMBER,
    user_id=NUMBER,
    no_pagination=told(TEXT, "1 for all on one page"),
    sort=sorted_by(SORTABLE),
)


class Rule(Document):
    """One rule: what may be done to what, how far away."""

    id: Id
    name: Annotated[str, Field(description="Of the resource", examples=["task"])]
    scope: Annotated[str, Field(examples=["COLLABORATION"])]
    operation: Annotated[str, Field(examples=["CREATE"])]
    description: Annotated[str, Field(examples=["Make tasks in one's own collaborations"])]
    users: ListPath
