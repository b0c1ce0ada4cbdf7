"""The rules of single fields: a function gives the value as it is kept, or raises ValueError saying what is wrong."""

import re
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate

import msgspec

from ingest.contract.page import host
from ingest.contract.text import name

MAX_URL = 64 * 1024  # characters of a url or referrer that are read
MAX_TITLE = 1000  # characters that are kept
MAX_TYPE = 64
MAX_DATA = 4 * 1024
MAX_DATA_KEYS = 32
MAX_DATA_DEPTH = MAX_DATA_KEYS  # as deep as objects of so many keys can be; arrays may not be deeper

AMOUNT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_MAX_AMOUNT_TEXT = 400  # characters; no number of JavaScript has more
_DIGITS = 14  # before the point
_PLACE = Decimal("0.0001")
_HUNDREDTH = Decimal("0.01")


def event_type(type_: str) -> str:
    return name(type_, MAX_TYPE)


def web_address(url: str) -> str:
    url = url[:MAX_URL]
    if not url.lstrip()[:8].lower().startswith(("http://", "https://")) or not host(url):
        raise ValueError("must be an absolute http or https URL")
    return url


def without_nul(text: str) -> str:
    return text.replace("\0", "\ufffd")


def spelled(value: object) -> object:
    """A number as JavaScript writes it, since ids are numbers to many; anything else as it is."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value).lower()
    return value


def whole(value: object) -> object:
    """A number without its fraction, since some clocks have one; anything else as it is."""
    if isinstance(value, Decimal) and abs(value.adjusted()) < 20:
        return int(value.to_integral_value(ROUND_HALF_UP))
    return value


def known(screen: object) -> object:
    """The size, or None where some browser does not know it: what is no number is null by the time it comes."""
    return None if isinstance(screen, list) and None in screen else screen


def amount(value: object) -> int:
    """Ten-thousandths of a JSON string or number, rounded half away from zero."""
    if isinstance(value, str):
        value = value.strip()
        if len(value) > _MAX_AMOUNT_TEXT or not AMOUNT.fullmatch(value):
            raise ValueError(f"must be a decimal number with at most {_DIGITS} digits before the point")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number or a string")
    exact = Decimal(value)
    if not exact:
        return 0
    if exact.adjusted() < _DIGITS:
        rounded = exact.quantize(_PLACE, ROUND_HALF_UP)
        if rounded.adjusted() < _DIGITS:
            return int(rounded.scaleb(4))
    raise ValueError(f"must have at most {_DIGITS} digits before the point")


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
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -1 < value < 101:
        raise ValueError("must be a number from 0 to 100")
    hundredths = int(Decimal(value).quantize(_HUNDREDTH, ROUND_HALF_UP).scaleb(2))
    if not 0 <= hundredths <= 10_000:
        raise ValueError("must be a number from 0 to 100")
    return 10_000 if value >= 98 else hundredths


_data_encoder = msgspec.json.Encoder(decimal_format="number")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[]{}", b"\x01\xff\x01\xff")  # 1 and -1, as signed bytes


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
    if b"\\u0000" in text:
        # No UTF-8 has the byte that stands for an escaped backslash meanwhile.
        text = text.replace(rb"\\", b"\xff").replace(b"\\u0000", "\ufffd".encode()).replace(b"\xff", rb"\\")
    if len(text) > MAX_DATA:
        raise ValueError(f"must be at most {MAX_DATA} bytes of JSON")
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
