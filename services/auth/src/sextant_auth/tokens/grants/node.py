"""A node logs in with its API key: one indexed look-up, however many nodes there are.

Only the first login of a node that came with an adopted database takes longer; see `nodes.legacy_keys`.
"""

from dataclasses import dataclass

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.credentials.api_keys import ApiKeys
from sextant_auth.nodes import repository as nodes
from sextant_auth.nodes.legacy_keys import LegacyKeys
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.tokens.grants.handler import REFRESH_URL, TOKEN_HEADER, Granted
from sextant_auth.tokens.logins import Logins
from sextant_auth.unit_of_work import Change
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import UnauthenticatedError
from sextant_shared.db import Database
from sextant_shared.http.hateoas import path


@dataclass(frozen=True)
class NodeAsks:
    """A node's login."""

    api_key: str
    address: str | None


@dataclass(frozen=True)
class ProvenNode:
    """A node that gave a key of ours."""

    node: nodes.NodeAccount
    asked: NodeAsks


class UnknownApiKeyError(UnauthenticatedError):
    """No node has this key (any more)."""

    code = "login_failed"

    def __init__(self) -> None:
        super().__init__("This API key does not belong to any node")


class NodeGrant:
    """An API key for a pair of tokens."""

    def __init__(
        self,
        db: Database,
        change: Change,
        keys: ApiKeys,
        *,
        legacy: LegacyKeys,
        credentials: NodeCredentials,
        logins: Logins,
    ) -> None:
        self._db = db
        self._change = change
        self._keys = keys
        self._legacy = legacy
        self._credentials = credentials
        self._logins = logins

    async def authenticate(self, asked: NodeAsks) -> ProvenNode:
        """Look the key up.

        Raises:
            RefusedError: no node has it.
            UnavailableError: that takes longer than a request may, or too many ask.
        """
        fingerprint = self._keys.fingerprint(asked.api_key)
        node = await self._find(fingerprint)
        if node is None and await self._legacy.adopt(asked.api_key, fingerprint, address=asked.address):
            node = await self._find(fingerprint)
        if node is None:
            entry = audit.Entry(
                Actor(ClientType.NODE),
                Action.NODE_LOGGED_IN,
                Outcome.REFUSED,
                reason="unknown_key",
                address=asked.address,
            )
            raise RefusedError(UnknownApiKeyError(), entry)
        return ProvenNode(node, asked)

    async def _find(self, fingerprint: str) -> nodes.NodeAccount | None:
        async with self._db.read() as session:
            return await nodes.find_by_fingerprint(session, fingerprint)

    async def issue(self, proven: ProvenNode) -> Granted:
        """Begin a login."""
        node = proven.node
        async with self._change() as tx:
            pair = await self._logins.begin(tx, node.bearer)
            await self._credentials.note_seen(tx, node)
            await audit.write(
                tx.session,
                audit.Entry(
                    Actor(ClientType.NODE, node.id, node.name), Action.NODE_LOGGED_IN, address=proven.asked.address
                ),
            )
        return Granted(
            {
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
                "refresh_url": REFRESH_URL,
                "node_url": path("node", node.id),
            },
            headers={TOKEN_HEADER: pair.access_token},
        )
