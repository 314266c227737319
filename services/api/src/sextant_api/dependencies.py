"""What routes are given: the caller, and the collaborators that the composition root made.

Owns the one typed container on `app.state`. Access rules stand here by name, so that a route says who may call it
in its signature; it must not know what a route does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Request

from sextant_api.blobstream.service import Blobs
from sextant_api.containers.errors import ContainerEndedError
from sextant_api.containers.repository import is_running
from sextant_api.history.service import History
from sextant_api.history.watch import HistoryWatch
from sextant_api.settings import ApiSettings
from sextant_api.stores.client import StoreClient
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Database
from sextant_shared.http.access import Anyone, Caller
from sextant_shared.http.peers import Peer as PeerClient
from sextant_shared.http.query import Query, requested_query
from sextant_shared.security import Principal
from sextant_shared.security.principal_cache import PrincipalSource

if TYPE_CHECKING:
    # only a name here: what is in the package of tasks needs this module
    from sextant_api.tasks.repeats import Repeats
    from sextant_api.tasks.status_watch import StatusWatch


@dataclass(frozen=True)
class Collaborators:
    """What the parts of api work with.

    Attributes:
        settings: validated.
        db: api's database.
        auth: to ask auth.
        users: to ask auth about users.
        status_watch: to wait for tasks.
        repeats: to recognise requests for tasks that were carried out already.
        history: of events.
        history_watch: to wait for events.
        blobs: large payloads, if there is a store for them.
        stores: to ask algorithm stores.
    """

    settings: ApiSettings
    db: Database
    auth: PeerClient
    users: PrincipalSource
    status_watch: "StatusWatch"
    repeats: "Repeats"
    history: History
    history_watch: HistoryWatch
    blobs: Blobs | None
    stores: StoreClient

    def install(self, app: FastAPI) -> None:
        """Let the routes of `app` use these."""
        app.state.collaborators = self


async def _collaborators(request: Request) -> Collaborators:
    found: Collaborators = request.app.state.collaborators
    return found


async def _database(request: Request) -> Database:
    return (await _collaborators(request)).db


async def _auth(request: Request) -> PeerClient:
    return (await _collaborators(request)).auth


def _alive(*kinds: ClientType) -> Callable[..., Awaitable[Principal]]:
    """The same access rule, but a container is let in only while its run goes on."""

    async def caller(principal: Annotated[Principal, Depends(Caller(*kinds))], db: Db) -> Principal:
        if principal.is_container:
            async with db.read() as session:
                if not await is_running(session, principal.id, principal.organization_id):
                    raise ContainerEndedError
        return principal

    return caller


Everything = Annotated[Collaborators, Depends(_collaborators)]
Db = Annotated[Database, Depends(_database)]
Auth = Annotated[PeerClient, Depends(_auth)]
ReadQuery = Annotated[Query, Depends(requested_query)]

NoCaller = Annotated[None, Depends(Anyone())]
AnyPrincipal = Annotated[Principal, Depends(_alive())]
User = Annotated[Principal, Depends(Caller(ClientType.USER))]
Node = Annotated[Principal, Depends(Caller(ClientType.NODE))]
UserOrNode = Annotated[Principal, Depends(Caller(ClientType.USER, ClientType.NODE))]
UserOrContainer = Annotated[Principal, Depends(_alive(ClientType.USER, ClientType.CONTAINER))]
