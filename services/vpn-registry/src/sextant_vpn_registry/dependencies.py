"""What routes are given: the caller, and the collaborators that the composition root made."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Database
from sextant_shared.http.access import Caller
from sextant_shared.http.query import Query, requested_query
from sextant_shared.security import Principal
from sextant_vpn_registry.knowledge.service import Knowledge
from sextant_vpn_registry.ports.service import Ports


@dataclass(frozen=True)
class Collaborators:
    """What the routes of vpn-registry work with.

    Attributes:
        db: vpn-registry's database.
        knowledge: of runs and nodes.
        ports: of runs.
    """

    db: Database
    knowledge: Knowledge
    ports: Ports

    def install(self, app: FastAPI) -> None:
        """Let the routes of `app` use these."""
        app.state.collaborators = self


async def _collaborators(request: Request) -> Collaborators:
    found: Collaborators = request.app.state.collaborators
    return found


Everything = Annotated[Collaborators, Depends(_collaborators)]
ReadQuery = Annotated[Query, Depends(requested_query)]
Node = Annotated[Principal, Depends(Caller(ClientType.NODE))]
Container = Annotated[Principal, Depends(Caller(ClientType.CONTAINER))]
