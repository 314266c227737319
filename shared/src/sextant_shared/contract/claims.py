"""The claims of Sextant's tokens, and the one place that knows where they leave RFC 7519.

Signed claims stay readable for vantage6 4.x programs, which read `sub`, `exp` and `client_type` without
verifying: `sub` is an *integer* for users and nodes and an *object* for containers, where the RFC asks for a string.
`fresh`, `csrf` and `roles` are there because those programs may look for them; nothing here reads them.
"""

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

ALGORITHM: Final = "ES256"
ISSUER: Final = "sextant"
AUDIENCE: Final = "sextant"
LEEWAY_SECONDS: Final = 60
"""How far the clocks of two services may differ (RFC 7519, section 4.1.4)."""
BEHIND_SECONDS: Final = 2 * 3600
"""How far the clock of a service may be behind auth's before it takes new tokens for ones of the future: as far as one
hour that was set twice, and more. Tokens are good from so long before they are issued; nobody gains a token by it."""


class TokenUse(StrEnum):
    """What a token is for; one that is good for one purpose is refused for any other."""

    ACCESS = "access"
    REFRESH = "refresh"
    SERVICE = "service"


class ClientType(StrEnum):
    """Which kind of principal a token speaks for."""

    USER = "user"
    NODE = "node"
    CONTAINER = "container"
    SERVICE = "service"


class ContainerSubject(BaseModel):
    """The `sub` of a container token: all that an algorithm's calls are judged by."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_type: ClientType = ClientType.CONTAINER
    node_id: int
    organization_id: int
    collaboration_id: int
    study_id: int | None
    store_id: int | None
    task_id: int
    image: str
    databases: list[dict[str, Any]]


class Claims(BaseModel):
    """A verified token's content."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    use: TokenUse
    client_type: ClientType
    sub: int | str | ContainerSubject
    jti: str
    iat: int
    exp: int
    principal_version: int = 0
    """The version of the principal when the token was issued: a cached principal that is older is fetched anew."""
    family: str | None = None
    generation: int = 0
    """Of a refresh token: its family, and how many rotations it is away from the login."""
