"""Asks algorithm stores, in the name of a caller, over HTTP.

Stores of today want to see the caller's token, which is why it matters where this goes: a name is resolved once and
judged, and that address is connected to; nothing is followed, decoded or read beyond a limit.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final

import httpx2
import orjson

from sextant_api.stores.addresses import Address, AddressPolicy
from sextant_api.stores.errors import StoreRefusedError, StoreUnreachableError

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds the addresses of a host; raises `OSError` when there are none."""

_MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_QUOTED: Final = 300


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # an address of a link carries the link's name
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is.

    Attributes:
        url: of its API, without a slash at the end.
        is_forced: whether whoever added it insisted.
    """

    url: str
    is_forced: bool


@dataclass(frozen=True)
class Caller:
    """In whose name a store is asked.

    Attributes:
        token: the caller's.
        server_url: by which the store knows this server.
    """

    token: str
    server_url: str


class StoreClient:
    """Asks stores.

    Args:
        policy: which addresses are called.
        timeout_seconds: how long one question may take, all in all.
        resolve: finds addresses.
        tls: whom to trust; without it the system's authorities.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        timeout_seconds: float,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._timeout_seconds = timeout_seconds
        self._resolve = resolve
        self._given_tls = tls

    async def ask(
        self,
        store: StoreAddress,
        caller: Caller,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Any:
        """Ask a store, and return the JSON of its answer (None if it is none).

        Raises:
            StoreAddressRefusedError: it is not asked.
            StoreUnreachableError: it does not answer.
            StoreRefusedError: it says no.
        """
        try:
            url = httpx2.URL(f"{store.url}/{path}")
            async with asyncio.timeout(self._timeout_seconds):
                addresses = await self._addresses(url, store)
                status, body = await self._send(url, addresses, caller, method, params=params, json=json)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # TimeoutError is an OSError
            raise StoreUnreachableError("The algorithm store does not answer") from error
        content = _read(body)
        if not httpx2.codes.is_success(status):
            raise StoreRefusedError(f"The algorithm store refused with status {status}{_quoted(content)}", status)
        return content

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # reading all authorities takes its time, and most processes never ask a store
        return self._given_tls or httpx2.create_ssl_context()

    async def _addresses(self, url: httpx2.URL, store: StoreAddress) -> Sequence[Address]:
        host = url.raw_host.decode("ascii")
        addresses = await self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        if not addresses:
            raise OSError(f"{host} has no address")
        self._policy.judge(host, addresses, is_forced=store.is_forced)
        return addresses

    async def _send(
        self,
        url: httpx2.URL,
        addresses: Sequence[Address],
        caller: Caller,
        method: str,
        *,
        params: Mapping[str, str] | None,
        json: Any,
    ) -> tuple[int, bytes]:
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Authorization": f"Bearer {caller.token}",
            # with an underscore, as stores know it from clients
            "server_url": caller.server_url,
            "Accept-Encoding": "identity",
        }
        # a client for each question: connections and cookies of one store are not for another at the same address
        async with httpx2.AsyncClient(verify=self._tls, trust_env=False, timeout=self._timeout_seconds) as http:
            for number, address in enumerate(addresses, start=1):
                request = http.build_request(
                    method,
                    url.copy_with(host=str(address)),
                    params=params,
                    json=json,
                    headers=headers,
                    # whose certificate it has to be
                    extensions={"sni_hostname": url.raw_host.decode("ascii")},
                )
                try:
                    answer = await http.send(request, stream=True)
                except httpx2.ConnectError:
                    if number == len(addresses):
                        raise
                    continue
                try:
                    return answer.status_code, await _limited(answer)
                finally:
                    await answer.aclose()
        raise AssertionError("there is at least one address")


async def _limited(answer: httpx2.Response) -> bytes:
    body = b""
    # raw: nothing is unpacked, so nothing grows
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            raise StoreRefusedError("The algorithm store answers with too much", answer.status_code)
    return body


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _quoted(content: Any) -> str:
    msg = content.get("msg") if isinstance(content, dict) else None
    return f": {msg[:_MAX_QUOTED]}" if isinstance(msg, str) else ""
