"""A kafka:// or kafka+ssl:// address: brokers, topic, and how every client of ours connects to them."""

import socket
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ingest.log import succession
from ingest.log.protocol import TOPIC

if TYPE_CHECKING:
    from ingest.log.kafka_token import Token

PORT = 9092
_PROBE_SECONDS = 2.0


def brokers(address: str) -> str:
    """`host:port,…`; what has no scheme is brokers only."""
    return _parts(address).netloc.rpartition("@")[2]


def topic(address: str) -> str:
    """The topic of an address, its path: so that several installations can share a cluster.

    Of a chain of logs the first, whichever of them is named.
    """
    return succession.first(_parts(address).path.strip("/")) or TOPIC


def secured(address: str) -> dict[str, Any]:
    """TLS and SASL as kafka-python wants them; nothing for an address that says neither. Does no I/O."""
    parts = _parts(address)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    encrypted, mechanism = parts.scheme == "kafka+ssl", asked.get("sasl", "").upper()
    if not encrypted and not mechanism:
        return {}
    found = {
        "security_protocol": f"{'SASL_' if mechanism else ''}{'SSL' if encrypted else 'PLAINTEXT'}",
        "ssl_cafile": asked.get("ca"),
        "ssl_certfile": asked.get("cert"),
        "ssl_keyfile": asked.get("key"),
        "sasl_mechanism": mechanism or None,
    }
    if mechanism == "OAUTHBEARER":
        return {**found, "sasl_oauth_token_provider": _token(address)}
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    if mechanism:
        found |= {"sasl_plain_username": unquote(user), "sasl_plain_password": unquote(password)}
    return found


def ailment(address: str) -> str:
    """Why the first broker lets nobody in, which kafka-python keeps to itself; "" where it lets everybody in.

    Blocks for a few seconds at most.
    """
    how = secured(address)
    if not how:
        return ""
    host, port = _first(brokers(address))
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as plain:
            if how["security_protocol"].endswith("SSL"):
                context = ssl.create_default_context(cafile=how["ssl_cafile"])
                if how["ssl_certfile"]:
                    context.load_cert_chain(how["ssl_certfile"], how["ssl_keyfile"])
                context.wrap_socket(plain, server_hostname=host).close()
    except OSError as error:
        return str(error)
    # It drops the brokers' answer when they close the connection together with it.
    return "authentication failed" if how["sasl_mechanism"] else ""


@lru_cache(maxsize=16)
def _token(address: str) -> "Token":
    """One for all clients of a process, which share what it fetched."""
    from ingest.log.kafka_token import Token

    parts = _parts(address)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return Token(
        file=asked.get("token_file", ""),
        url=asked.get("token_url", ""),
        client=unquote(user),
        secret=unquote(password),
        scope=asked.get("scope", ""),
        ca=asked.get("ca"),
    )


def _first(hosts: str) -> tuple[str, int]:
    place = urlsplit(f"//{hosts.partition(',')[0]}")
    return place.hostname or "", place.port or PORT


def _parts(address: str) -> SplitResult:
    return urlsplit(address if "://" in address else f"kafka://{address}")
