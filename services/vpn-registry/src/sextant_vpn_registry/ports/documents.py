"""How ports look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_shared.http.documentation import Document, Id
from sextant_vpn_registry.ports.schemas import MAX_PORT


class Port(Document):
    """A port at which the algorithm of a run listens, on its node's address in the VPN."""

    id: Id
    port: Annotated[int, Field(ge=1, le=MAX_PORT, examples=[50001])]
    label: Annotated[str | None, Field(examples=["web"])]
