"""JSON whose numbers stay as they were written, and whose strings can be: half a character is U+FFFD."""

import re
from decimal import Decimal
from typing import Any

import msgspec

BROKEN = (ValueError, RecursionError, ArithmeticError)  # what msgspec and the Decimal hook raise on bad text

decoder = msgspec.json.Decoder(float_hook=Decimal)

# An escape begins at an odd backslash; both halves of a pair are one match, so that what else matches is a half.
_HALF = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_ENCODED_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def mended(text: bytes) -> bytes:
    """The JSON text with U+FFFD for half a surrogate pair, which JavaScript's strings may hold and UTF-8 cannot."""
    if b"\\u" in text:
        text = _HALF.sub(lambda found: found[0] if found[2] else found[1] + b"\\ufffd", text)
    if b"\xed" in text:
        text = _ENCODED_HALF.sub("\ufffd".encode(), text)
    return text


def decode(text: bytes) -> Any:
    """A JSON value, its numbers exact (int or Decimal). Raises ValueError."""
    try:
        return decoder.decode(mended(text))
    except BROKEN as error:
        raise ValueError("not JSON") from error
