"""Splitting JSON text without parsing its values: how bad input is traced to an event and a field.

No recursion and no decoding: nesting of 30,000 levels or bytes that are no UTF-8 spoil only the part they are in.
"""

import re
from typing import NamedTuple

# Possessive, so that an unterminated string costs one pass over the text.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},:]', re.DOTALL)
_OPEN = (b"[", b"{")
_CLOSE = (b"]", b"}")
_SPACE = b" \t\r\n"


class Part(NamedTuple):
    """What lies between two commas: the value, and in an object the key before it, still in its quotes."""

    key: bytes
    value: bytes


def split(text: bytes, most: int) -> list[Part]:
    """The parts of the array or object that `text` is, at most `most` + 1 of them.

    Raises ValueError where brackets or strings do not close, or where an object's member has no colon.
    """
    text = text.strip(_SPACE)
    keyed = text.startswith(b"{")
    if not (keyed and text.endswith(b"}")) and not (text.startswith(b"[") and text.endswith(b"]")):
        raise ValueError("its brackets do not close")
    inside = text[1:-1]
    if not inside.strip(_SPACE):
        return []
    parts: list[Part] = []
    start, depth, colon = 0, 0, -1

    def part(end: int) -> Part:
        if not keyed:
            return Part(b"", inside[start:end])
        if colon < 0:
            raise ValueError("a member has no colon")
        return Part(inside[start:colon].strip(_SPACE), inside[colon + 1 : end])

    for match in _TOKEN.finditer(inside):
        token = match[0]
        if token in _OPEN:
            depth += 1
        elif token in _CLOSE:
            depth -= 1
            if depth < 0:
                raise ValueError("its brackets do not close")
        elif token == b'"':
            raise ValueError("a string does not close")
        elif depth == 0 and token == b",":
            parts.append(part(match.start()))
            if len(parts) > most:
                return parts
            start, colon = match.end(), -1
        elif depth == 0 and token == b":" and colon < 0:
            colon = match.start()
    if depth:
        raise ValueError("its brackets do not close")
    return [*parts, part(len(inside))]
