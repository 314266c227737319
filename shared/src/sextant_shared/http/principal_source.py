"""Asks auth who a principal is, over its internal route."""

from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.http.peers import Peer
from sextant_shared.security.principal import Principal


class HttpPrincipalSource:
    """Implements `PrincipalSource` over HTTP."""

    def __init__(self, auth: Peer) -> None:
        self._auth = auth

    async def fetch(self, client_type: ClientType, principal_id: int) -> Principal | None:
        """Ask auth."""
        try:
            body = await self._auth.get(f"/internal/principals/{client_type}/{principal_id}")
        except NotFoundError:
            return None
        return Principal.model_validate(body)
