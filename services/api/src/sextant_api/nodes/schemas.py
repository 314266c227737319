"""What may be said about a node."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from sextant_api.fields import Name, NotNull, RequestModel
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address") from None


class NewNode(RequestModel):
    """The body of POST /node."""

    model_config = example(
        {"collaboration_id": 1, "organization_id": 1, "name": "Hospital of Alkmaar - Rare tumours Node"}
    )

    collaboration_id: Id
    organization_id: Annotated[Id | None, NotNull] = None
    name: Name | None = None


class NodeChanges(RequestModel):
    """The body of PATCH /node/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"name": "Alkmaar, cellar", "ip": "10.76.0.2"})

    name: Name = ""
    ip: Annotated[str, AfterValidator(_address)] = ""
    clear_ip: bool = False
    organization_id: Id = 0
    collaboration_id: Id = 0
