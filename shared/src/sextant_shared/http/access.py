"""Who may call a route: declared at the route, enforced before it, and provable by looking at the application.

Every route has exactly one of these as a dependency:

* `Anyone()` - no token is looked at;
* `Caller(ClientType.USER, ...)` - an access token of one of these kinds; gives the route its `Principal`;
* `Peer()` - a service token; for `/internal` only.

`undeclared_routes` finds the routes without one; a test of each service keeps it empty.
"""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from structlog.contextvars import bind_contextvars

from sextant_shared.contract.claims import ClientType, TokenUse
from sextant_shared.contract.errors import (
    UnauthenticatedError,
    UnreadableTokenError,
    WrongPrincipalError,
)
from sextant_shared.security.principal import Principal
from sextant_shared.security.principal_cache import PrincipalCache
from sextant_shared.security.verifier import TokenVerifier

PRINCIPALS: Final = (ClientType.USER, ClientType.NODE, ClientType.CONTAINER)
"""The kinds of callers that have access tokens."""


class Gate:
    """What access rules need to know: how to verify, and who is who. One per application."""

    def __init__(self, verifier: TokenVerifier, principals: PrincipalCache) -> None:
        self.verifier = verifier
        self.principals = principals

    def install(self, app: FastAPI) -> None:
        """Let the access rules of `app`'s routes use this gate."""
        app.state.gate = self


class AccessRule(SecurityBase):
    """Base of the rules, by which they are found in a route."""

    def __init__(self) -> None:
        self.scheme_name = "token"
        self.model = HTTPBearerModel(description="`Authorization: Bearer <token>`")


class Anyone:
    """No token is needed, and none is looked at."""

    async def __call__(self) -> None:
        """Let everybody in."""


class Caller(AccessRule):
    """An access token of one of the given kinds of principals is needed."""

    def __init__(self, *kinds: ClientType) -> None:
        super().__init__()
        self.kinds = kinds or PRINCIPALS

    async def __call__(self, request: Request) -> Principal:
        """Find out who calls.

        Raises:
            UnauthenticatedError: no token, or a bad one (its subclasses and `UnreadableTokenError` say which).
            WrongPrincipalError: the token is good, but not for this route.
        """
        gate: Gate = request.app.state.gate
        claims = await gate.verifier.verify(bearer_token(request), TokenUse.ACCESS)
        if claims.client_type not in self.kinds:
            raise WrongPrincipalError(f"A {claims.client_type} has no access here")
        principal = await gate.principals.principal_of(claims)
        bind_contextvars(principal=f"{principal.client_type}:{principal.id}")
        return principal


class Peer(AccessRule):
    """A service token is needed; with names, one of these services."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    async def __call__(self, request: Request) -> Principal:
        """Find out which service calls.

        Raises:
            UnauthenticatedError: no token, or a bad one.
            WrongPrincipalError: another service.
        """
        gate: Gate = request.app.state.gate
        claims = await gate.verifier.verify(bearer_token(request), TokenUse.SERVICE)
        if self.names and claims.sub not in self.names:
            raise WrongPrincipalError(f"{claims.sub} has no access here")
        return await gate.principals.principal_of(claims)


def bearer_token(request: Request) -> str:
    """Take the token from the Authorization header (RFC 6750).

    Raises:
        UnauthenticatedError: there is none.
        UnreadableTokenError: the header is not of the form `Bearer <token>`.
    """
    header = request.headers.get("authorization")
    if not header:
        raise UnauthenticatedError("This needs a token in the Authorization header")
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer":  # the wire is stricter here than RFC 9110 is
        raise UnauthenticatedError("The Authorization header must be of the form: Bearer <token>")
    if not token or " " in token.strip():
        raise UnreadableTokenError("The Authorization header must be of the form: Bearer <token>")
    return token.strip()


def access_rule(route: RouteContext) -> object | None:
    """Find the one rule that a route declares."""
    rules = [call for call in declared_calls(route) if isinstance(call, Anyone | Caller | Peer)]
    return rules[0] if len(rules) == 1 else None


def declared_calls(route: RouteContext) -> list[Any]:
    """List everything that a route depends on, near and far."""
    dependant = getattr(route, "dependant", None)
    return list(_calls(dependant)) if dependant else []


def undeclared_routes(app: FastAPI) -> list[str]:
    """Name the routes without exactly one access rule, and internal ones that are open to others than services."""
    bad = []
    for route in iter_route_contexts(app.routes):
        rule = access_rule(route)
        if rule is None or ((route.path or "").startswith("/internal") and not isinstance(rule, Peer)):
            bad.append(f"{sorted(route.methods or [])} {route.path}")
    return bad


def declared_routes(app: FastAPI) -> dict[str, object]:
    """List the routes as `METHOD /path`, each with its access rule, for tests that look at all of them."""
    return {
        f"{method} {route.path}": access_rule(route)
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or [])
    }


def _calls(dependant: Dependant) -> Iterator[Any]:
    for child in dependant.dependencies:
        yield child.call
        yield from _calls(child)
