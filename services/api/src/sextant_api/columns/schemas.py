"""What may be asked about columns."""

from typing import Annotated

from pydantic import Field

from sextant_api.fields import RequestModel, Text
from sextant_api.tasks.schemas import DatabaseChoice, OrganizationInput, TaskRequest, WireId
from sextant_shared.http.documentation import example

_NAME = "get_column_names"
"""Of the task, by which user interfaces know it."""


class ColumnRequest(RequestModel):
    """Which columns does a database have?"""

    model_config = example(
        {
            "db_label": "default",
            "collaboration_id": 1,
            "organizations": [{"id": 1, "input": "eyJtZXRob2QiOiAiY29sdW1ucyJ9"}],
        }
    )

    db_label: Text
    collaboration_id: WireId
    organizations: Annotated[list[OrganizationInput], Field(min_length=1)]
    """Who is to be asked, with the input of the algorithm that finds out."""
    sheet_name: Text | None = None
    query: Text | None = None

    def as_task(self, image: str) -> TaskRequest:
        """The task that finds out."""
        given = {"sheet_name": self.sheet_name, "query": self.query}
        database = {"label": self.db_label, **{name: text for name, text in given.items() if text}}
        return TaskRequest(
            name=_NAME,
            image=image,
            collaboration_id=self.collaboration_id,
            organizations=self.organizations,
            databases=[DatabaseChoice.model_validate(database)],
        )
