"""What routes are given: the parts of the application, typed, and facts about the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from sextant_auth.audit import Judged
from sextant_auth.credentials.password_policy import PasswordPolicy
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.keys.keyring import Keyring
from sextant_auth.nodes.key_reset import NodeKeys
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.principals.source import LocalPrincipalSource
from sextant_auth.recovery.service import PasswordRecovery, SecondFactorRecovery
from sextant_auth.roles.service import Roles
from sextant_auth.rules.service import Rules
from sextant_auth.tokens.grants.container import ContainerGrant
from sextant_auth.tokens.grants.handler import GrantHandler
from sextant_auth.tokens.grants.node import NodeGrant
from sextant_auth.tokens.grants.refresh import RefreshGrant
from sextant_auth.tokens.grants.service import ServiceGrant
from sextant_auth.tokens.grants.user import UserGrant
from sextant_auth.unit_of_work import Change
from sextant_auth.users.passwords import Passwords
from sextant_auth.users.service import Users
from sextant_shared.contract.claims import ClientType
from sextant_shared.db import Database
from sextant_shared.http.access import Caller
from sextant_shared.http.query import Query, requested_query
from sextant_shared.security import Principal


@dataclass(frozen=True)
class AuthParts:
    """The collaborators of auth's routes, put together in `app`."""

    db: Database
    change: Change
    keyring: Keyring
    hasher: PasswordHasher
    principal_source: LocalPrincipalSource
    node_credentials: NodeCredentials
    node_keys: NodeKeys
    users: Users
    password_policy: PasswordPolicy
    passwords: Passwords
    password_recovery: PasswordRecovery
    second_factor_recovery: SecondFactorRecovery
    roles: Roles
    rules: Rules
    judged: Judged
    grants: GrantHandler
    user_grant: UserGrant
    node_grant: NodeGrant
    refresh_grant: RefreshGrant
    container_grant: ContainerGrant
    service_grant: ServiceGrant
    trust_forwarded: bool


async def _parts(request: Request) -> AuthParts:
    parts: AuthParts = request.app.state.parts
    return parts


Parts = Annotated[AuthParts, Depends(_parts)]
User = Annotated[Principal, Depends(Caller(ClientType.USER))]
Node = Annotated[Principal, Depends(Caller(ClientType.NODE))]
ReadQuery = Annotated[Query, Depends(requested_query)]


async def _address(request: Request, parts: Parts) -> str | None:
    """Where the request came from, for the audit log."""
    if parts.trust_forwarded:
        # our gateway replaces whatever the client wrote there
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:_ADDRESS_CHARS]
    return request.client.host[:_ADDRESS_CHARS] if request.client else None


_ADDRESS_CHARS = 64

Address = Annotated[str | None, Depends(_address)]
