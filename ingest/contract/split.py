"""Splitting JSON text without parsing its values: how bad input is traced to an event and a field.

No recursion and no decoding: nesting of 30,000 levels or bytes that are no UTF-8 spoil only the part they are in.
"""

import re
from typing import NamedTuple

MAX_TOKENS = 10_000  # of a text; a hundred events with everything in them have 1,000

# Possessive, so that an unterminated string costs one pass over the text.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_PLAIN = re.compile(rb'(?:[^"\[\]{},:]++|' + _STRING + rb")*+", re.DOTALL)
_DEEP_PLAIN = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"  # below the first level commas and colons say nothing
# Brackets that open one another are one token with what follows each, so that depth costs little.
_TOKEN = re.compile(rb"(?:[\[{]++" + _DEEP_PLAIN + rb")++|[\]}]++|[,:]", re.DOTALL)
_BELOW = re.compile(_DEEP_PLAIN, re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_SPACE = b" \t\r\n"


class Part(NamedTuple):
    """What lies between two commas: the value, and in an object the key before it, still in its quotes."""

    key: bytes
    value: bytes


def split(text: bytes, most: int) -> list[Part]:
    """The parts of the array or object that `text` is, at most `most` + 1 of them.

    Raises ValueError where brackets or strings do not close, where an object's member has no colon, and for a text
    that would take too long.
    """
    text = text.strip(_SPACE)
    keyed = text.startswith(b"{")
    if not (keyed and text.endswith(b"}")) and not (text.startswith(b"[") and text.endswith(b"]")):
        raise ValueError("its brackets do not close")
    inside = text[1:-1]
    if not inside.strip(_SPACE):
        return []
    parts: list[Part] = []
    start, depth, colon, end = 0, 0, -1, 0

    def part(end: int) -> Part:
        if not keyed:
            return Part(b"", inside[start:end])
        if colon < 0:
            raise ValueError("a member has no colon")
        return Part(inside[start:colon].strip(_SPACE), inside[colon + 1 : end])

    for _ in range(MAX_TOKENS):
        skipped = (_BELOW if depth else _PLAIN).match(inside, end)
        at = skipped.end() if skipped else end
        if at == len(inside):
            break
        match = _TOKEN.match(inside, at)
        if match is None:
            raise ValueError("a string does not close")
        token, end = match[0], match.end()
        if token[0] in b"[{":
            brackets = _STRINGS.sub(b"", token) if b'"' in token else token
            depth += brackets.count(b"[") + brackets.count(b"{")
        elif token[0] in b"]}":
            depth -= len(token)
            if depth < 0:
                raise ValueError("its brackets do not close")
        elif token == b",":
            parts.append(part(at))
            if len(parts) > most:
                return parts
            start, colon = end, -1
        elif colon < 0:
            colon = at
    else:
        raise ValueError("it has too many brackets to tell its events apart")
    if depth:
        raise ValueError("its brackets do not close")
    return [*parts, part(len(inside))]
