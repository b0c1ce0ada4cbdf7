"""The rules of single fields: a function gives the value as it is kept, or raises ValueError saying what is wrong."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate

import msgspec

from ingest.contract.page import host

MAX_DATA = 4 * 1024
MAX_DATA_KEYS = 32
MAX_DATA_DEPTH = 16

AMOUNT = re.compile(r"[+-]?[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)
_SCALE = 10_000


def no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text


def printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    for character in text:
        # Cf hides text or turns its direction; the joiner inside emoji is the one of them that shows.
        if character != "\u200d" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise ValueError("must be printable characters")
    return text


def web_address(url: str) -> str:
    if not url.lstrip()[:8].lower().startswith(("http://", "https://")) or not host(url):
        raise ValueError("must be an absolute http or https URL")
    return url


def amount(value: object) -> int:
    """Exact ten-thousandths of a JSON string or number."""
    if isinstance(value, str):
        if not AMOUNT.fullmatch(value):
            raise ValueError("must be a decimal number with at most 14 digits before and 4 after the point")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number or a string")
    exact = Decimal(value)
    if not exact:
        return 0
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("must be a finite number")
    if exponent < -4:
        raise ValueError("must have at most 4 decimal places")
    if exact.adjusted() >= 14:
        raise ValueError("must have at most 14 digits before the point")
    return int(exact * _SCALE)


def whole_revenue(value: object) -> object:
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return {"amount": value}
    return without_null(value)


def without_null(posted: object) -> object:
    if isinstance(posted, dict) and None in posted.values():
        return {name: value for name, value in posted.items() if value is not None}
    return posted


def depth(value: object) -> int:
    """Scroll depth in hundredths of a per cent; from 98 % on a page counts as read to its end."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 100:
        raise ValueError("must be a number from 0 to 100")
    if value >= 98:
        return 10_000
    return int((Decimal(value) * 100).to_integral_value(ROUND_HALF_UP))


_data_encoder = msgspec.json.Encoder(decimal_format="number")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[]{}", b"\x01\xff\x01\xff")  # 1 and -1, as signed bytes
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")


def data(value: object) -> str:
    """The object as compact JSON text, numbers with the digits they came with."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    if not value:
        return ""
    try:
        text = _data_encoder.encode(value)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise ValueError("must be JSON of valid Unicode text") from error
    if len(text) > MAX_DATA:
        raise ValueError(f"must be at most {MAX_DATA} bytes of JSON")
    if b"\\u0000" in text and _NUL.search(text):
        raise ValueError("must not contain NUL")
    # Of the text, as walking through the object takes ten times as long.
    structure = _STRINGS.sub(b"", text)
    if structure.count(b":") > MAX_DATA_KEYS:
        raise ValueError(f"must have at most {MAX_DATA_KEYS} keys")
    steps = memoryview(structure.translate(_STEPS, _NO_BRACKET)).cast("b")
    if max(accumulate(steps)) - 1 > MAX_DATA_DEPTH:
        raise _too_deep()
    return text.decode()


def _too_deep() -> ValueError:
    return ValueError(f"must be nested at most {MAX_DATA_DEPTH} levels deep")
