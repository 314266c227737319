"""What routes are given: the caller, and the collaborators that the composition root made.

Owns the one typed container on `app.state`. Access rules stand here by name, so that a route says who may call it
in its signature; it must not know what a route does.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from sextant_api.settings import ApiSettings
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Database
from sextant_shared.http.access import Anyone, Caller
from sextant_shared.http.peers import Peer as PeerClient
from sextant_shared.http.query import Query
from sextant_shared.security import Principal


@dataclass(frozen=True)
class Collaborators:
    """What the parts of api work with.

    Attributes:
        settings: validated.
        db: api's database.
        auth: to ask auth.
    """

    settings: ApiSettings
    db: Database
    auth: PeerClient

    def install(self, app: FastAPI) -> None:
        """Let the routes of `app` use these."""
        app.state.collaborators = self


def _collaborators(request: Request) -> Collaborators:
    found: Collaborators = request.app.state.collaborators
    return found


def _database(request: Request) -> Database:
    return _collaborators(request).db


def _auth(request: Request) -> PeerClient:
    return _collaborators(request).auth


Everything = Annotated[Collaborators, Depends(_collaborators)]
Db = Annotated[Database, Depends(_database)]
Auth = Annotated[PeerClient, Depends(_auth)]
ReadQuery = Annotated[Query, Depends(Query)]

NoCaller = Annotated[None, Depends(Anyone())]
AnyPrincipal = Annotated[Principal, Depends(Caller())]
User = Annotated[Principal, Depends(Caller(ClientType.USER))]
Node = Annotated[Principal, Depends(Caller(ClientType.NODE))]
UserOrNode = Annotated[Principal, Depends(Caller(ClientType.USER, ClientType.NODE))]
UserOrContainer = Annotated[Principal, Depends(Caller(ClientType.USER, ClientType.CONTAINER))]
