"""Who may call a route: declared at the route, enforced before it, and provable by looking at the application.

Every route has exactly one of these as a dependency:

* `Anyone()` - no token is looked at;
* `Caller(ClientType.USER, ...)` - an access token of one of these kinds; gives the route its `Principal`;
* `Peer()` - a service token; for `/internal` only.

FastAPI reads and parses the body of a request before it asks any dependency. So the routes of a `Router` ask their
rule before that: of who may not call, no body is read. A rule that a router is included with comes too late, and does
not count.

`undeclared_routes` finds the routes without one, or that ask it too late; a test of each service keeps it empty.
"""

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
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

_IDENTIFIED: Final = "sextant.identified"
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

    async def __call__(self, request: Request) -> Principal:
        """Find out who calls; asked again about the same request, it knows.

        Raises:
            SextantError: see `identify`.
        """
        known = request.scope.get(_IDENTIFIED)
        if known is None or known[0] is not self:
            known = request.scope[_IDENTIFIED] = (self, await self.identify(request))
        principal: Principal = known[1]
        return principal

    @abstractmethod
    async def identify(self, request: Request) -> Principal:
        """Find out who calls.

        Raises:
            UnauthenticatedError: no token, or a bad one (its subclasses and `UnreadableTokenError` say which).
            WrongPrincipalError: the token is good, but not for this route.
        """


class Anyone:
    """No token is needed, and none is looked at."""

    async def __call__(self) -> None:
        """Let everybody in."""


class Caller(AccessRule):
    """An access token of one of the given kinds of principals is needed."""

    def __init__(self, *kinds: ClientType) -> None:
        super().__init__()
        self.kinds = kinds or PRINCIPALS

    async def identify(self, request: Request) -> Principal:
        """See `AccessRule.identify`."""
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

    async def identify(self, request: Request) -> Principal:
        """Find out which service calls; see `AccessRule.identify`."""
        gate: Gate = request.app.state.gate
        claims = await gate.verifier.verify(bearer_token(request), TokenUse.SERVICE)
        if self.names and claims.sub not in self.names:
            raise WrongPrincipalError(f"{claims.sub} has no access here")
        return await gate.principals.principal_of(claims)


class GuardedRoute(APIRoute):
    """A route that asks its access rule before it looks at the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the question before the ordinary handling."""
        handle = super().get_route_handler()
        rules = [call for call in _calls(self.dependant) if isinstance(call, AccessRule)]

        async def ask_first(request: Request) -> Response:
            for rule in rules:
                await rule(request)
            return await handle(request)

        return ask_first if rules else handle


class Router(APIRouter):
    """A router whose routes ask first who calls."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"route_class": GuardedRoute, **options})


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
    """Name the routes without exactly one access rule, or asking it late, and internal ones open to others."""
    bad = []
    for route in iter_route_contexts(app.routes):
        rule = access_rule(route)
        is_late = isinstance(rule, AccessRule) and not _asks_first(route)
        is_open = (route.path or "").startswith("/internal") and not isinstance(rule, Peer)
        if rule is None or is_late or is_open:
            bad.append(f"{sorted(route.methods or [])} {route.path}")
    return bad


def declared_routes(app: FastAPI) -> dict[str, object]:
    """List the routes as `METHOD /path`, each with its access rule, for tests that look at all of them."""
    return {
        f"{method} {route.path}": access_rule(route)
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or [])
    }


def _asks_first(route: RouteContext) -> bool:
    original = route.original_route
    return isinstance(original, GuardedRoute) and access_rule(route) in list(_calls(original.dependant))


def _calls(dependant: Dependant) -> Iterator[Any]:
    for child in dependant.dependencies:
        yield child.call
        yield from _calls(child)
