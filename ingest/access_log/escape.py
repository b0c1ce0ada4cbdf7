r"""Undo what servers do to unusual bytes: \" and \\, \xHH as a byte of UTF-8, \t and its like."""

import re
from urllib.parse import unquote

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_LONE = re.compile("[\ud800-\udfff]")


def text(raw: str) -> str:
    """A referrer or a user agent as it was sent; `-` is nothing. What is no UTF-8 becomes U+FFFD, NULs go."""
    if raw == "-":
        return ""
    if "\\" in raw:
        raw = _unescaped(raw)
    elif raw.isascii():
        return raw
    return _LONE.sub("\ufffd", raw).replace("\0", "")


def target(raw: str) -> str:
    """A request line or target as it was sent; a byte that is no UTF-8 becomes its %HH, as a browser would send it."""
    if raw.isascii() and "\\" not in raw:
        return raw
    raw = _unescaped(raw) if "\\" in raw else raw
    return _LONE.sub(lambda lone: _percent(lone[0]), raw).replace("\0", "")


def percent(raw: str) -> str:
    """A field whose blanks are %20 or even %2520."""
    for _ in range(2):
        if "%" in raw:
            raw = unquote(raw)
    return raw


def decoded(line: bytes) -> str:
    """The text of a line; bytes that are no UTF-8 are kept as lone surrogates, for the functions above to judge."""
    return line.decode("utf-8", "surrogateescape")


def _percent(lone: str) -> str:
    code = ord(lone)
    return f"%{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else "\ufffd"


def _unescaped(raw: str) -> str:
    kept = bytearray()
    position = 0
    for match in _ESCAPE.finditer(raw):
        kept += _encoded(raw[position : match.start()])
        if match[1]:
            kept.append(int(match[1], 16))
        else:
            kept += _encoded(chr(int(match[2], 16)) if match[2] else _LETTERS.get(match[3], match[3]))
        position = match.end()
    return (kept + _encoded(raw[position:])).decode("utf-8", "surrogateescape")


def _encoded(part: str) -> bytes:
    """Bytes that were no UTF-8 come back as themselves; halves of surrogate pairs as U+FFFD."""
    try:
        return part.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _LONE.sub(lambda lone: lone[0] if ord(lone[0]) >= 0xDC80 else "\ufffd", part).encode(
            "utf-8", "surrogateescape"
        )
