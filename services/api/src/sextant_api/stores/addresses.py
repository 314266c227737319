"""Which network addresses this server calls when somebody names an algorithm store.

Whoever adds a store makes this server send a request, with a token, to an address of their choice. So the name is
resolved first, what it resolves to is judged, and nothing else is connected to. Pure decisions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from sextant_api.stores.errors import StoreAddressRefusedError

Address = IPv4Address | IPv6Address

_NAT64: Final = IPv6Network("64:ff9b::/96")
_BELOW: Final = "*."


@dataclass(frozen=True)
class AddressPolicy:
    """What an installation allows.

    Attributes:
        hosts: at which stores may be, whatever their addresses (`*.example.org`: all below); if empty, anywhere.
        allow_private: whether those who insist may have a store at an address that is not public.
    """

    hosts: Sequence[str] = ()
    allow_private: bool = True

    def judge(self, host: str, addresses: Sequence[Address], *, is_forced: bool) -> None:
        """Let a call pass that will be made to one of these addresses.

        Args:
            host: as it was named.
            addresses: all that it resolves to.
            is_forced: whether whoever added the store insisted.

        Raises:
            StoreAddressRefusedError: this server does not call there.
        """
        if self.hosts:
            if not any(_matches(host, pattern) for pattern in self.hosts):
                raise StoreAddressRefusedError("This server asks no algorithm stores at this host")
            return
        meant = [inner for address in addresses for inner in _meant(address)]
        if any(_is_never_a_store(address) for address in meant):
            raise StoreAddressRefusedError("There can be no algorithm store at this address")
        if all(address.is_global for address in meant):
            return
        if not self.allow_private:
            raise StoreAddressRefusedError("This server asks no algorithm stores at addresses that are not public")
        if not is_forced:
            raise StoreAddressRefusedError(
                "The address of this algorithm store is not a public one; to use it nevertheless, set force"
            )


def _matches(host: str, pattern: str) -> bool:
    host, pattern = host.lower().rstrip("."), pattern.lower()
    if pattern.startswith(_BELOW):
        return host.endswith(pattern.removeprefix("*"))
    return host == pattern


def _meant(address: Address) -> Iterator[Address]:
    """The addresses at which a packet may arrive that is sent to this one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
            return
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFF_FFFF)
            return
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
    yield address


def _is_never_a_store(address: Address) -> bool:
    # link-local among them: where clouds keep the secrets of their machines
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.is_reserved and not address.is_loopback)
    )
