"""How ports and addresses look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_shared.http.documentation import Document, Id


class Address(Document):
    """Where an algorithm container listens."""

    port: Annotated[int, Field(ge=1, le=65535, examples=[8888])]
    label: Annotated[str | None, Field(examples=["main"])]
    ip: Annotated[str, Field(examples=["10.76.0.2"])]
    organization_id: Id
    task_id: Id
    parent_id: Id | None


class Addresses(Document):
    """The addresses of a task's containers."""

    addresses: list[Address]
