"""A node asks for the token of an algorithm container; api says whether the container has a task here."""

from dataclasses import dataclass
from typing import Any

from sextant_auth.nodes import repository as nodes
from sextant_auth.tokens.grants.handler import Granted
from sextant_auth.tokens.issuer import TokenIssuer
from sextant_shared.contract.claims import ContainerSubject
from sextant_shared.contract.errors import (
    BadRequestError,
    InvalidTokenError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from sextant_shared.db import Database
from sextant_shared.http.peers import Peer, PeerRefusedError

_BAD_REQUEST = 400
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class ContainerAsks:
    """A node starts a container."""

    node_id: int
    task_id: int
    image: str


@dataclass(frozen=True)
class ProvenContainer:
    """api knows the run."""

    node: nodes.NodeAccount
    subject: ContainerSubject


class UnknownTaskError(BadRequestError):
    """There is no such task. The wire says 400 here."""

    code = "unknown_task"


class TaskRefusedError(BadRequestError):
    """The task's state does not allow it."""

    code = "task_finished"


class ContainerGrant:
    """A task and its image for an access token."""

    def __init__(self, db: Database, api: Peer, issuer: TokenIssuer) -> None:
        self._db = db
        self._api = api
        self._issuer = issuer

    async def authenticate(self, asked: ContainerAsks) -> ProvenContainer:
        """Ask api what the container would be."""
        async with self._db.read() as session:
            node = await nodes.find(session, asked.node_id)
        if node is None:
            raise InvalidTokenError("The token is no longer valid")
        grant = await self._ask(asked)
        subject = ContainerSubject(
            node_id=asked.node_id,
            organization_id=grant["organization_id"],
            collaboration_id=grant["collaboration_id"],
            study_id=grant["study_id"],
            store_id=grant["store_id"],
            task_id=asked.task_id,
            image=grant["image"],
            databases=grant["databases"],
        )
        return ProvenContainer(node, subject)

    async def issue(self, proven: ProvenContainer) -> Granted:
        """Make the token."""
        token = await self._issuer.container(proven.subject, node=proven.node.bearer)
        return Granted({"container_token": token})

    async def _ask(self, asked: ContainerAsks) -> dict[str, Any]:
        try:
            grant: dict[str, Any] = await self._api.get(
                f"/internal/tasks/{asked.task_id}/container-grant",
                params={"node_id": asked.node_id, "image": asked.image},
            )
        except NotFoundError as error:
            raise UnknownTaskError(f"There is no task {asked.task_id}") from error
        except PeerRefusedError as error:
            if error.status == _BAD_REQUEST:
                raise TaskRefusedError(error.msg) from error
            if error.status == _UNAUTHORIZED:
                raise PermissionDeniedError(error.msg) from error
            raise UnavailableError("The api service did not answer as agreed") from error
        return grant
