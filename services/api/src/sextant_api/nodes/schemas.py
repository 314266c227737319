"""What may be said about a node."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from sextant_api.fields import Id, Name, RequestModel


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address") from None


class NewNode(RequestModel):
    """The body of POST /node."""

    collaboration_id: Id
    organization_id: Id | None = None
    name: Name | None = None


class NodeChanges(RequestModel):
    """The body of PATCH /node/{id}; only what was sent counts, so the defaults are never read."""

    name: Name = ""
    ip: Annotated[str, AfterValidator(_address)] = ""
    clear_ip: bool = False
    organization_id: Id = 0
    collaboration_id: Id = 0
