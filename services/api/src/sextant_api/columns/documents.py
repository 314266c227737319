"""How columns look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_shared.http.documentation import Document


class Columns(Document):
    """The columns of a database."""

    columns: Annotated[list[str], Field(examples=[["age", "sex"]])]
