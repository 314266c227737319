"""The API keys of nodes: auth keeps them, api asks for them."""

from sextant_shared.http.peers import Peer


async def issue(auth: Peer, *, node_id: int, organization_id: int, collaboration_id: int, name: str) -> str:
    """Let auth make the key with which a node will log in; it is never shown again.

    Raises:
        UnavailableError: auth does not answer.
    """
    body = await auth.request(
        "PUT",
        f"/internal/nodes/{node_id}/credential",
        json={"organization_id": organization_id, "collaboration_id": collaboration_id, "name": name},
    )
    return str(body["api_key"])


async def withdraw(auth: Peer, node_id: int) -> None:
    """Let auth forget a node's key, and refuse its tokens.

    Raises:
        UnavailableError: auth does not answer.
    """
    await auth.request("DELETE", f"/internal/nodes/{node_id}/credential")
