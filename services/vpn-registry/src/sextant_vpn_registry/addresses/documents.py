"""How addresses look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_shared.http.documentation import Document, Id


class Address(Document):
    """Where an algorithm container listens."""

    port: Annotated[int, Field(ge=1, le=65535, examples=[50001])]
    label: Annotated[str | None, Field(examples=["web"])]
    ip: Annotated[str | None, Field(description="Null while its node has none", examples=["10.76.0.2"])]
    organization_id: Id
    task_id: Id
    parent_id: Id | None


class Addresses(Document):
    """The addresses of a task's containers."""

    addresses: list[Address]
