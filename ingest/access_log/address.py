"""The address of a line: who the endpoint would say sent the request."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeAlias

from ingest.access_log.hit import Malformed
from ingest.contract.address import INNER, Address, Network, is_in, read_address

Client: TypeAlias = Callable[[str], str]

_NAME = re.compile(
    r"(?=.{1,253}$)(?=.*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*\.?"
)
_MAX = 1_024  # characters of a list of hops


def client_of(trusted: Sequence[Network]) -> Client:
    """The reader of address columns: an address in its one spelling, or a host name in lower case; raises Malformed.

    With a port, brackets, quotes, a zone or as IPv4 inside IPv6 it is the same address. Of a list it is the last that
    is no trusted proxy; a private one (10.0.0.0/8 …) is a proxy too where a public one stands beside it.
    """

    @lru_cache(20_000)
    def known(text: str) -> str:
        try:
            plain = ip_address(text)
        except ValueError:
            pass
        else:
            if plain.version == 4:
                return text
        hops = [hop.strip(" \t\"'\0") for hop in re.split("[, ]+", text.strip(" \t\"'\0"))]
        found = [address for hop in hops if (address := _read(hop)) is not None]
        if found:
            return str(_last(found, trusted))
        names = [hop for hop in hops if hop]
        if len(names) == 1 and _NAME.fullmatch(names[0]):
            return names[0].lower().removesuffix(".")
        raise Malformed("it begins with no address")

    def client(text: str) -> str:
        if len(text) > _MAX:
            raise Malformed("its address is too long")
        return known(text)

    return client


def _read(hop: str) -> Address | None:
    if hop[:4].lower() == "for=":
        hop = hop[4:].partition(";")[0].strip(' "')
    # The zone of a link-local address is a name of this machine's own.
    return read_address(re.sub(r"%[^\]:/]*", "", hop))


def _last(hops: Sequence[Address], trusted: Sequence[Network]) -> Address:
    strangers = [hop for hop in hops if not is_in(hop, trusted)]
    # Beside a public address an inner one is our side's.
    public = [hop for hop in strangers if not is_in(hop, INNER)]
    return (public or strangers or hops[:1])[-1]
