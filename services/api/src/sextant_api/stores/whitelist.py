"""Tells a store that it should trust the users of this server, or no longer."""

from http import HTTPStatus
from typing import Any, Final

from sextant_api.stores.client import Caller, StoreAddress, StoreClient
from sextant_api.stores.errors import StoreRefusedError

_SERVERS: Final = "vantage6-server"


async def enter(client: StoreClient, store: StoreAddress, caller: Caller) -> None:
    """Ask a store to trust this server.

    Raises:
        BadRequestError: it is not asked, does not answer or refuses.
    """
    asked: dict[str, Any] = {"url": caller.server_url}
    if store.is_forced:
        asked["force"] = True
    await client.ask(store, caller, "POST", _SERVERS, json=asked)


async def leave(client: StoreClient, store: StoreAddress, caller: Caller) -> None:
    """Ask a store to trust this server no longer; one that does not know it, or not any more, is content.

    Raises:
        BadRequestError: it is not asked, does not answer or refuses.
    """
    try:
        servers = await client.ask(store, caller, "GET", _SERVERS)
    except StoreRefusedError as error:
        # so it does not trust this server
        if error.store_status == HTTPStatus.FORBIDDEN:
            return
        raise
    for server in _listed(servers):
        if _is_this(server, caller.server_url):
            await client.ask(store, caller, "DELETE", f"{_SERVERS}/{server['id']}")


def _listed(servers: Any) -> list[Any]:
    found = servers.get("data") if isinstance(servers, dict) else servers
    return found if isinstance(found, list) else []


def _is_this(server: Any, server_url: str) -> bool:
    if not isinstance(server, dict) or not isinstance(server.get("id"), int):
        return False
    url = server.get("url", server_url)
    return isinstance(url, str) and url.rstrip("/") == server_url
