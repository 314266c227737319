"""How algorithm stores look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.stores.repository import SORTABLE
from sextant_shared.http.documentation import FLAG, LIKE, NUMBER, TEXT, Document, Id, ListPath, filters, sorted_by, told

FILTERS = filters(
    name=LIKE, url=LIKE, collaboration_id=told(NUMBER, "Those for it, and those for all"), sort=sorted_by(SORTABLE)
)
REMOVAL = filters(
    server_url=told(TEXT, "By which the store knows this server, where that is not configured"),
    force=told(FLAG, "Remove it even if the store cannot be told"),
)


class AlgorithmStore(Document):
    """One algorithm store."""

    id: Id
    name: Annotated[str, Field(examples=["Community store"])]
    url: Annotated[str, Field(examples=["https://store.example.org/api"])]
    collaborations: Annotated[ListPath | None, Field(description="Null: for all")]
