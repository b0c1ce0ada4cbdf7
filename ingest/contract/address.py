"""The address of a client: the peer's own, or what proxies that we trust say in X-Forwarded-For."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Nobody outside has such an address: a network of one's own, of a provider's customers, of one cable.
INNER: tuple[Network, ...] = (
    *LOOPBACK,
    ip_network("10.0.0.0/8"),
    ip_network("172.16.0.0/12"),
    ip_network("192.168.0.0/16"),
    ip_network("100.64.0.0/10"),
    ip_network("169.254.0.0/16"),
    ip_network("fc00::/7"),
    ip_network("fe80::/10"),
)
MAX_HOPS = 20


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Addresses or networks ("10.0.0.0/8") of trusted proxies. Raises ValueError naming the one that is neither."""
    return tuple(network(name.strip()) for name in names)


def network(name: str) -> Network:
    """An address or a network, IPv4 inside IPv6 as IPv4: so are the addresses that it is to hold. Raises ValueError."""
    found = ip_network(name, strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) and found.prefixlen >= 96 else None
    return found if mapped is None else ip_network((mapped, found.prefixlen - 96))


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Who sent the request: the last hop that no trusted proxy vouches against; never raises.

    `forwarded` are the X-Forwarded-For headers in order. They count only when the peer is trusted, read from the right,
    as far as they are well-formed: what stands left of a stranger's address is the stranger's own claim. A peer without
    an address is the other end of a local socket.
    """
    address = read_address(peer) or ip_address("127.0.0.1")
    if not forwarded or not is_in(address, trusted):
        return address
    for hop in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        said = read_address(hop)
        if said is None:
            break
        address = said
        if not is_in(address, trusted):
            break
    return address


def bucket(address: Address) -> bytes:
    """What limits count by: an IPv4 address, or an IPv6 /64, since one host owns all of that."""
    return address.packed[:8] if address.version == 6 else address.packed


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether the peer is a proxy that we trust; False for what is no address."""
    address = read_address(peer)
    return address is not None and is_in(address, trusted)


def read_address(text: str) -> Address | None:
    """An address with or without a port or brackets, IPv4 inside IPv6 as IPv4; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        return address.ipv4_mapped or address
    return address


def is_in(address: Address, trusted: Sequence[Network]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in trusted)
