"""The stand-in for auth: services take the same path with it as with auth."""

from collections.abc import AsyncIterator

import pytest

from sextant_shared.contract.claims import ClientType, TokenUse
from sextant_shared.contract.errors import (
    ExpiredTokenError,
    InvalidTokenError,
    UnavailableError,
)
from sextant_shared.contract.permissions import Operation, Resource, Scope
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.http.peers import Peers
from sextant_shared.http.principal_source import HttpPrincipalSource
from sextant_shared.security import JwksClient, PrincipalCache, TokenVerifier
from sextant_shared.settings import PeerSettings
from sextant_shared.testing.fakes import FakeAuth


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
async def peers(auth: FakeAuth) -> AsyncIterator[Peers]:
    peers = Peers(auth.network(), PeerSettings(client_secret="s"), name=API)
    yield peers
    await peers.close()


async def test_a_users_token_leads_to_its_principal(auth: FakeAuth, peers: Peers) -> None:
    user = auth.add_user(organization_id=7, role="Viewer", rules=["task:COLLABORATION:CREATE"])
    verifier = TokenVerifier(JwksClient(peers.public(AUTH)))
    principals = PrincipalCache(HttpPrincipalSource(peers.peer(AUTH)))

    claims = await verifier.verify(auth.token(user), TokenUse.ACCESS)
    principal = await principals.principal_of(claims)

    assert user == principal
    assert principal.rights.allow(Resource.TASK, Operation.CREATE, Scope.COLLABORATION)
    assert not principal.rights.allow(Resource.TASK, Operation.CREATE, Scope.GLOBAL)


async def test_a_containers_token_carries_its_task_and_its_nodes_organization(auth: FakeAuth, peers: Peers) -> None:
    node = auth.add_node(3, organization_id=7, collaboration_id=2)
    token = auth.container_token(node, task_id=11, image="algorithm", databases=[{"label": "default"}])

    claims = await TokenVerifier(auth).verify(token, TokenUse.ACCESS)
    principal = await PrincipalCache(HttpPrincipalSource(peers.peer(AUTH))).principal_of(claims)

    assert (principal.client_type, principal.id, principal.node_id) == (ClientType.CONTAINER, 11, 3)
    assert (principal.organization_id, principal.collaboration_id) == (7, 2)
    assert principal.databases == [{"label": "default"}]


async def test_a_token_may_be_for_something_else_or_expired(auth: FakeAuth) -> None:
    user = auth.add_user(organization_id=7)
    verifier = TokenVerifier(auth)

    with pytest.raises(InvalidTokenError):
        await verifier.verify(auth.token(user, use=TokenUse.REFRESH), TokenUse.ACCESS)
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(auth.token(user, lifetime_seconds=-3600), TokenUse.ACCESS)
    with pytest.raises(InvalidTokenError):
        await verifier.verify(FakeAuth().token(user), TokenUse.ACCESS)


async def test_it_keeps_the_credentials_of_nodes_until_they_are_removed(auth: FakeAuth, peers: Peers) -> None:
    peer = peers.peer(AUTH)
    body = {"organization_id": 7, "collaboration_id": 2, "name": "station"}

    first = await peer.request("PUT", "/internal/nodes/3/credential", json=body)
    second = await peer.request("PUT", "/internal/nodes/3/credential", json=body)

    assert first["api_key"] != second["api_key"] == auth.credentials[3].api_key
    node = await auth.fetch(ClientType.NODE, 3)
    assert node is not None
    assert node.name == "station"

    await peer.request("DELETE", "/internal/nodes/3/credential")

    assert auth.credentials == {}
    assert await auth.fetch(ClientType.NODE, 3) is None


async def test_its_internal_routes_are_for_services_alone(peers: Peers) -> None:
    http = peers.public(AUTH)

    answer = await http.get("/internal/principals/user/1")

    assert answer.status_code == 401


async def test_while_it_is_down_callers_find_auth_unavailable(auth: FakeAuth, peers: Peers) -> None:
    auth.down = True

    with pytest.raises(UnavailableError):
        await peers.peer(AUTH).get("/internal/principals/user/1")
