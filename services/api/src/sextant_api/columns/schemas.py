"""What may be asked about columns."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from sextant_api.fields import RequestModel, Text, ToldOfTheList
from sextant_api.tasks.schemas import DatabaseChoice, OrganizationInput, TaskRequest
from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id

_NAME = "get_column_names"
"""Of the task, by which user interfaces know it."""


class AskedOrganization(BaseModel):
    """One organization that is to be asked."""

    id: Id
    input: Any = None
    """Of the algorithm that finds out; judged only once it is clear that it will be asked, as on the wire."""

    def as_input(self, position: int) -> OrganizationInput:
        """What the task needs of it.

        Raises:
            ValidationFailedError: the input is none.
        """
        try:
            return OrganizationInput(id=self.id, input=self.input)
        except ValidationError as error:
            problems = [f"{position}.input: {problem['msg']}" for problem in error.errors()]
            raise ValidationFailedError({"organizations": problems}) from None


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
    collaboration_id: Id
    organizations: Annotated[list[AskedOrganization], Field(min_length=1), ToldOfTheList]
    sheet_name: Text | None = None
    query: Text | None = None

    def as_task(self, image: str) -> TaskRequest:
        """The task that finds out.

        Raises:
            ValidationFailedError: an input is none.
        """
        given = {"sheet_name": self.sheet_name, "query": self.query}
        database = {"label": self.db_label, **{name: text for name, text in given.items() if text}}
        return TaskRequest(
            name=_NAME,
            image=image,
            collaboration_id=self.collaboration_id,
            organizations=[organization.as_input(position) for position, organization in enumerate(self.organizations)],
            databases=[DatabaseChoice.model_validate(database)],
        )
