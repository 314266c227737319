"""A stand-in for auth with real signatures: services are tested against it as they run against auth.

`FakeAuth` is a key source, a principal source and an ASGI application that answers auth's internal routes, so a
service under test takes the same path as in production (register `asgi` in an `InProcessNetwork`). It knows the
rules of the default roles, but no catalogue: whoever tests says which principals exist.
"""

import base64
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import Depends, FastAPI, Request
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from sextant_shared.contract.claims import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    ClientType,
    ContainerSubject,
    TokenUse,
)
from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.permissions import Operation, Resource, Rule, Scope
from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY
from sextant_shared.http.access import Anyone, Gate, Peer
from sextant_shared.http.exception_handlers import error_response
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.peers import InProcessNetwork
from sextant_shared.http.service import make_app
from sextant_shared.ids import new_id
from sextant_shared.security.jwks_client import JWKS_PATH
from sextant_shared.security.principal import Principal
from sextant_shared.security.principal_cache import PrincipalCache
from sextant_shared.security.service_token import TOKEN_PATH
from sextant_shared.security.verifier import TokenVerifier

_TOKEN_SECONDS = 3600


def _rules(text: str) -> frozenset[str]:
    """Write out `resource scope operation,operation; ...`."""
    rules = set()
    for part in text.split(";"):
        resource, scope, operations = part.split()
        rules |= {str(Rule.parse(f"{resource}:{scope}:{operation}")) for operation in operations.split(",")}
    return frozenset(rules)


_MACHINE = (
    "collaboration ORGANIZATION VIEW; node ORGANIZATION VIEW; organization COLLABORATION VIEW;"
    "organization ORGANIZATION VIEW; port ORGANIZATION VIEW; run COLLABORATION VIEW; study ORGANIZATION VIEW;"
    "task COLLABORATION VIEW"
)
_VIEWER = (
    f"{_MACHINE}; event COLLABORATION RECEIVE; event ORGANIZATION RECEIVE; node COLLABORATION VIEW;"
    "role ORGANIZATION VIEW; user ORGANIZATION VIEW; user OWN EDIT,DELETE"
)

EVERY_RULE: Final = frozenset(
    str(Rule(resource, scope, operation)) for resource in Resource for scope in Scope for operation in Operation
)
"""More than the 86 that auth knows; whoever holds all of these holds those."""

DEFAULT_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "Root": EVERY_RULE,
    "container": _rules(_MACHINE),
    "node": _rules(f"{_MACHINE}; node ORGANIZATION EDIT; organization ORGANIZATION EDIT"),
    "Viewer": _rules(_VIEWER),
    "Researcher": _rules(f"{_VIEWER}; task COLLABORATION CREATE; task ORGANIZATION DELETE"),
    "Organization Admin": _rules(
        f"{_VIEWER}; event ORGANIZATION SEND; node ORGANIZATION CREATE,EDIT; organization ORGANIZATION EDIT;"
        "role ORGANIZATION CREATE,EDIT,DELETE; user ORGANIZATION CREATE,EDIT,DELETE"
    ),
}
"""The rules of default roles, as tests need them."""


@dataclass(frozen=True)
class NodeCredential:
    """What a service asked auth to keep for a node."""

    organization_id: int
    collaboration_id: int
    name: str
    api_key: str


class FakeAuth:
    """See the module.

    Attributes:
        credentials: of nodes, by node id, as asked for over the internal route.
        down: while True, every route answers 503.
        asgi: the application to register under `auth`.
    """

    def __init__(self) -> None:
        self.credentials: dict[int, NodeCredential] = {}
        self.down = False
        self._key = ECKey.generate_key("P-256", {"kid": str(new_id()), "use": "sig", "alg": ALGORITHM}, auto_kid=False)
        self._principals: dict[tuple[ClientType, int], Principal] = {}
        self._next_user_id = 1
        self.asgi: ASGIApp = self._unless_down(self._make_app())

    def network(self) -> InProcessNetwork:
        """A network on which there is nobody but us (yet)."""
        network = InProcessNetwork()
        network.register(AUTH, self.asgi)
        return network

    async def key(self, kid: str) -> ECKey | None:
        """Implement `KeySource`."""
        return self._key if kid == self._key.kid else None

    async def fetch(self, client_type: ClientType, principal_id: int) -> Principal | None:
        """Implement `PrincipalSource`."""
        if self.down:
            raise UnavailableError("auth is not available at the moment")
        return self._principals.get((client_type, principal_id))

    def add_user(
        self, *, organization_id: int, role: str | None = None, rules: Collection[str] = (), name: str | None = None
    ) -> Principal:
        """Make a user with the rules of a default role and some more (`resource:SCOPE:OPERATION`)."""
        user_id = self._next_user_id
        self._next_user_id += 1
        user = Principal(
            client_type=ClientType.USER,
            id=user_id,
            organization_id=organization_id,
            name=name or f"user-{user_id}",
            rules=frozenset(rules) | (DEFAULT_ROLES[role] if role else frozenset()),
        )
        return self.put(user)

    def add_node(self, node_id: int, *, organization_id: int, collaboration_id: int, name: str = "") -> Principal:
        """Make a node, and what its containers are judged by."""
        node = Principal(
            client_type=ClientType.NODE,
            id=node_id,
            organization_id=organization_id,
            collaboration_id=collaboration_id,
            node_id=node_id,
            name=name or f"node-{node_id}",
            rules=DEFAULT_ROLES["node"],
        )
        self.put(node.model_copy(update={"client_type": ClientType.CONTAINER, "rules": DEFAULT_ROLES["container"]}))
        return self.put(node)

    def put(self, principal: Principal) -> Principal:
        """Make or replace a principal as it is given."""
        self._principals[(principal.client_type, principal.id)] = principal
        return principal

    def remove(self, principal: Principal) -> None:
        """Forget a principal: its tokens stop working once nobody has it in a cache."""
        self._principals.pop((principal.client_type, principal.id), None)

    def token(
        self,
        principal: Principal,
        *,
        use: TokenUse = TokenUse.ACCESS,
        lifetime_seconds: int = _TOKEN_SECONDS,
        **claims: Any,
    ) -> str:
        """Sign a token for a user or node; a negative lifetime makes one that has expired."""
        return self.sign(
            principal.client_type,
            principal.id,
            use=use,
            lifetime_seconds=lifetime_seconds,
            pv=principal.version,
            **claims,
        )

    def container_token(
        self,
        node: Principal,
        *,
        task_id: int,
        image: str,
        study_id: int | None = None,
        store_id: int | None = None,
        databases: list[dict[str, Any]] | None = None,
    ) -> str:
        """Sign a token for the algorithm that runs at `node` for a task."""
        subject = ContainerSubject(
            node_id=node.id,
            organization_id=node.organization_id,
            collaboration_id=node.collaboration_id or 0,
            study_id=study_id,
            store_id=store_id,
            task_id=task_id,
            image=image,
            databases=databases or [],
        )
        return self.sign(ClientType.CONTAINER, subject.model_dump(mode="json"))

    def service_token(self, name: str) -> str:
        """Sign a service's token."""
        return self.sign(ClientType.SERVICE, name, use=TokenUse.SERVICE)

    def sign(
        self,
        client_type: ClientType,
        subject: int | str | dict[str, Any],
        *,
        use: TokenUse = TokenUse.ACCESS,
        lifetime_seconds: int = _TOKEN_SECONDS,
        **claims: Any,
    ) -> str:
        """Sign any claims with the key that verifiers know."""
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "type": use,
            "client_type": client_type,
            "sub": subject,
            "jti": str(new_id()),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_seconds,
            **claims,
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jws.serialize_compact(header, orjson.dumps(payload), self._key)

    def _make_app(self) -> FastAPI:
        app = make_app(title="fake auth", description=__doc__ or "")
        Gate(TokenVerifier(self), PrincipalCache(self)).install(app)
        services = Depends(Peer(API, AUTH, RELAY, VPN_REGISTRY))

        @app.get(JWKS_PATH, dependencies=[Depends(Anyone())])
        async def jwks() -> JsonResponse:
            return JsonResponse({"keys": [self._key.as_dict(private=False)]})

        @app.post(TOKEN_PATH, dependencies=[Depends(Anyone())])
        async def token(request: Request) -> JsonResponse:
            access_token = self.service_token(_basic_user(request))
            return JsonResponse({"access_token": access_token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS})

        @app.get("/internal/principals/{client_type}/{principal_id}", dependencies=[services])
        async def principal(client_type: ClientType, principal_id: int) -> JsonResponse:
            found = await self.fetch(client_type, principal_id)
            if found is None:
                raise NotFoundError("There is no such principal")
            return JsonResponse(found.model_dump(mode="json"))

        @app.put("/internal/nodes/{node_id}/credential", dependencies=[services])
        async def make_credential(node_id: int, request: Request) -> JsonResponse:
            asked = await request.json()
            credential = NodeCredential(**asked, api_key=str(new_id()))
            self.credentials[node_id] = credential
            self.add_node(node_id, **asked)
            return JsonResponse({"api_key": credential.api_key})

        @app.delete("/internal/nodes/{node_id}/credential", dependencies=[services])
        async def remove_credential(node_id: int) -> JsonResponse:
            self.credentials.pop(node_id, None)
            for client_type in (ClientType.NODE, ClientType.CONTAINER):
                self._principals.pop((client_type, node_id), None)
            return JsonResponse({})

        return app

    def _unless_down(self, app: ASGIApp) -> ASGIApp:
        async def asgi(scope: AsgiScope, receive: Receive, send: Send) -> None:
            if self.down:
                await error_response(UnavailableError("auth is not available at the moment"))(scope, receive, send)
            else:
                await app(scope, receive, send)

        return asgi


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def _basic_user(request: Request) -> str:
    _, _, encoded = request.headers["authorization"].partition(" ")
    return base64.b64decode(encoded).decode().partition(":")[0]
