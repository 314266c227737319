"""A refresh token for the next pair. Cheap, because clients do it after every answer that they do not like."""

from dataclasses import dataclass
from uuid import UUID

from sextant_auth import audit
from sextant_auth.audit import Action, Actor, Outcome, RefusedError
from sextant_auth.nodes import repository as nodes
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.tokens import repository as families
from sextant_auth.tokens.grants.handler import REFRESH_URL, Granted
from sextant_auth.tokens.issuer import Bearer
from sextant_auth.tokens.logins import Logins
from sextant_auth.tokens.refresh_policy import Verdict
from sextant_auth.unit_of_work import Change
from sextant_auth.users import repository as accounts
from sextant_shared.clock import Clock
from sextant_shared.contract.claims import Claims, ClientType, TokenUse
from sextant_shared.contract.errors import InvalidTokenError
from sextant_shared.db import Transaction
from sextant_shared.http.hateoas import path
from sextant_shared.security import TokenVerifier


@dataclass(frozen=True)
class RefreshAsks:
    """A refresh token is shown."""

    token: str
    address: str | None


@dataclass(frozen=True)
class ProvenRefresh:
    """An authentic refresh token."""

    claims: Claims
    principal_id: int
    family_id: UUID
    asked: RefreshAsks


class RefreshGrant:
    """Rotates refresh tokens; see `tokens.refresh_policy`."""

    def __init__(
        self, change: Change, verifier: TokenVerifier, logins: Logins, *, credentials: NodeCredentials, clock: Clock
    ) -> None:
        self._change = change
        self._verifier = verifier
        self._logins = logins
        self._credentials = credentials
        self._clock = clock

    async def authenticate(self, asked: RefreshAsks) -> ProvenRefresh:
        """Verify the token.

        Raises:
            SextantError: it is not one of our refresh tokens, or has expired; nothing to keep of that.
        """
        claims = await self._verifier.verify(asked.token, TokenUse.REFRESH)
        if not isinstance(claims.sub, int) or claims.family is None:
            raise InvalidTokenError("The token is no longer valid")
        return ProvenRefresh(claims, claims.sub, UUID(claims.family), asked)

    async def issue(self, proven: ProvenRefresh) -> Granted:
        """Give the next pair, or end the login of a copied token."""
        claims = proven.claims
        async with self._change() as tx:
            node = await nodes.find(tx.session, proven.principal_id) if claims.client_type is ClientType.NODE else None
            bearer = node.bearer if node else await self._bearer_of_user(tx, claims, proven.principal_id)
            if bearer is None or claims.iat < bearer.tokens_valid_from:
                raise InvalidTokenError("The token is no longer valid")
            outcome = await self._logins.go_on(tx, bearer, proven.family_id, claims.generation)
            if outcome is Verdict.REUSED:
                raise self._reused(proven)
            if isinstance(outcome, Verdict):
                raise InvalidTokenError("The token is no longer valid")
            if node is not None:
                await self._credentials.note_seen(tx, node)
        return Granted(
            {
                "access_token": outcome.access_token,
                "refresh_token": outcome.refresh_token,
                "refresh_url": REFRESH_URL,
                f"{claims.client_type}_url": path(str(claims.client_type), proven.principal_id),
            }
        )

    async def _bearer_of_user(self, tx: Transaction, claims: Claims, user_id: int) -> Bearer | None:
        return await accounts.find_bearer(tx.session, user_id) if claims.client_type is ClientType.USER else None

    def _reused(self, proven: ProvenRefresh) -> RefusedError:
        entry = audit.Entry(
            Actor(proven.claims.client_type, proven.principal_id),
            Action.REFRESH_REUSED,
            Outcome.REFUSED,
            reason="reused",
            address=proven.asked.address,
        )

        async def revoke(tx: Transaction) -> None:
            await families.revoke(tx.session, proven.family_id, reason="reused", now=self._clock.now())

        return RefusedError(InvalidTokenError("The token is no longer valid"), entry, revoke)
