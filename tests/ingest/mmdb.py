"""A small MaxMind database, as its format says: a tree over the bits of IPv4 networks, values, and what it is."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any


def mmdb(networks: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Of networks that do not overlap, each with its value: texts, ints, lists and dicts of them."""
    data, where = b"", {}
    for text, value in networks.items():
        where[IPv4Network(text)] = len(data)
        data += _encoded(value)
    nodes: list[list[int | None]] = [[None, None]]
    for network, offset in where.items():
        at = 0
        bits = f"{int(network.network_address):032b}"[: network.prefixlen]
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            found = nodes[at][int(bit)]
            assert found is not None and found >= 0, f"{network} overlaps"
            at = found
        nodes[at][int(bits[-1])] = -1 - offset
    count = len(nodes)
    tree = b"".join(
        (count if side is None else side if side >= 0 else count + 16 - 1 - side).to_bytes(3)
        for node in nodes
        for side in node
    )
    about = {
        "node_count": count,
        "record_size": _short(24),
        "ip_version": _short(4),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": _short(2),
        "binary_format_minor_version": _short(0),
        "build_epoch": _control(9, 1) + b"\1",
        "description": {"en": "Test"},
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(about)


def _encoded(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return _control(7, len(value)) + b"".join(_encoded(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, int):
        return _control(6, 4) + value.to_bytes(4)
    if isinstance(value, bytes):
        return value
    text = str(value).encode()
    return _control(2, len(text)) + text


def _short(value: int) -> bytes:
    return _control(5, 2) + value.to_bytes(2)


def _control(kind: int, size: int) -> bytes:
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
