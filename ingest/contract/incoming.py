"""The posted event: its fields, their limits, and how a body becomes valid events and errors by field.

| field | limit |
|---|---|
| `site`, `type`, `url` | required; 64 characters; 1 to 64 printable ones after trimming; http(s), 8,192 characters |
| `id`, `view`, `visitor` | 1 to 64, ≤ 64, ≤ 128 characters; an empty `visitor` is a missing one |
| `at`, `sent_at`, `seq` | integers: ms from 0 to the year 9999, 0 to 2⁵³ |
| `referrer`, `title` | 8,192 and 1,000 characters |
| `screen` | two integers, 0 to 65,535 |
| `data` | an object of ≤ 32 keys, nested ones included, ≤ 16 levels deep, ≤ 4 KiB as compact JSON |
| `revenue` | `amount` (string or number, < 10¹⁴, ≤ 4 decimals), `currency` (three letters), `transaction` (≤ 128 \
characters); a bare string or number is the amount |
| `scroll`, `engaged_ms` | 0 to 100; an integer, 0 to 86,400,000 |

No string may hold NUL or a lone surrogate. `null` is a missing field. Unknown fields are ignored.
"""

import re
import unicodedata
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from ingest.contract.page import host
from ingest.contract.split import split

MAX_EVENTS = 100
MAX_BODY = 256 * 1024
MAX_DATA = 4 * 1024
MAX_DATA_KEYS = 32
MAX_DATA_DEPTH = 16
MAX_MEMBERS = 64  # of a broken event that are searched for the broken one
MAX_ERRORS = 20  # of one event: it has no more fields than that
_MAX_TIME = 253_402_300_799_999

_AMOUNT = re.compile(r"[+-]?[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)
_SCALE = 10_000


class Problem(msgspec.Struct, frozen=True):
    """Why the event at `index` was not accepted; `field` is dotted (`revenue.amount`), "" when no field is to blame."""

    index: int
    field: str
    message: str


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    for character in text:
        # Cf hides text or turns its direction; the joiner inside emoji is the one of them that shows.
        if character != "\u200d" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise ValueError("must be printable characters")
    return text


def _web_address(url: str) -> str:
    if not url.lstrip()[:8].lower().startswith(("http://", "https://")) or not host(url):
        raise ValueError("must be an absolute http or https URL")
    return url


def _amount(value: object) -> int:
    """Exact ten-thousandths of a JSON string or number."""
    if isinstance(value, str):
        if not _AMOUNT.fullmatch(value):
            raise ValueError("must be a decimal number with at most 14 digits before and 4 after the point")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number or a string")
    amount = Decimal(value)
    if not amount:
        return 0
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("must be a finite number")
    if exponent < -4:
        raise ValueError("must have at most 4 decimal places")
    if amount.adjusted() >= 14:
        raise ValueError("must have at most 14 digits before the point")
    return int(amount * _SCALE)


def _whole_revenue(value: object) -> object:
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return {"amount": value}
    return _without_null(value)


def _without_null(posted: object) -> object:
    if isinstance(posted, dict) and None in posted.values():
        return {name: value for name, value in posted.items() if value is not None}
    return posted


def _depth(value: object) -> int:
    """Scroll depth in hundredths of a per cent; from 98 % on a page counts as read to its end."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 100:
        raise ValueError("must be a number from 0 to 100")
    if value >= 98:
        return 10_000
    return int((Decimal(value) * 100).to_integral_value(ROUND_HALF_UP))


_data_encoder = msgspec.json.Encoder(decimal_format="number")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")


def _data(value: object) -> str:
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
    nesting = structure.translate(None, _NO_BRACKET)
    for _ in range(MAX_DATA_DEPTH + 1):
        nesting = nesting.replace(b"[]", b" ").replace(b"{}", b" ").replace(b" ", b"")
        if not nesting:
            return text.decode()
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"must be nested at most {MAX_DATA_DEPTH} levels deep")


Text: TypeAlias = Annotated[str, AfterValidator(_no_nul)]
EventType: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)
]
Integer: TypeAlias = Annotated[int, Field(ge=0, le=2**53 - 1)]
Time: TypeAlias = Annotated[int, Field(ge=0, le=_MAX_TIME)]
_FROZEN = ConfigDict(frozen=True, strict=True, extra="ignore")

# As they are posted; validation turns them into exact integers.
_AMOUNT_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT.pattern}$"}, {"type": "number"}]}
_DEPTH_SCHEMA: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 100}


class IncomingRevenue(BaseModel):
    """`amount` in ten-thousandths; currency "": the site's; transaction "": the event's id."""

    model_config = _FROZEN
    amount: Annotated[int, BeforeValidator(_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
    currency: Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{3})?$"), AfterValidator(str.upper)] = ""
    transaction: Annotated[Text, Field(max_length=128)] = ""


class Incoming(BaseModel):
    """One posted event, valid; `data` as compact JSON text, `scroll` in hundredths of a per cent."""

    model_config = _FROZEN
    site: Annotated[Text, Field(min_length=1, max_length=64)]
    type: EventType
    url: Annotated[Text, Field(max_length=8192), AfterValidator(_web_address)]
    id: Annotated[Text, Field(min_length=1, max_length=64), AfterValidator(_printable)] | None = None
    at: Time | None = None
    sent_at: Time | None = None
    seq: Integer = 0
    visitor: Annotated[Text, Field(max_length=128)] = ""
    view: Annotated[Text, Field(max_length=64)] = ""
    referrer: Annotated[Text, Field(max_length=8192)] = ""
    title: Annotated[Text, Field(max_length=1000)] = ""
    screen: Annotated[list[Annotated[int, Field(ge=0, le=65_535)]], Field(min_length=2, max_length=2)] | None = None
    data: Annotated[str, BeforeValidator(_data), WithJsonSchema({"type": "object"})] = ""
    revenue: Annotated[IncomingRevenue | None, BeforeValidator(_whole_revenue)] = None
    scroll: Annotated[int, BeforeValidator(_depth), WithJsonSchema(_DEPTH_SCHEMA)] | None = None
    engaged_ms: Annotated[int, Field(ge=0, le=86_400_000)] | None = None


class IncomingImport(Incoming):
    """A line of `import --format events`: the event's own time, and what a request would have told about its sender."""

    site: Annotated[Text, Field(max_length=64)] = ""
    at: Time
    ip: Annotated[Text, Field(max_length=64)] = ""
    user_agent: Annotated[Text, Field(max_length=2048)] = ""


Model = TypeVar("Model", bound=Incoming)


@dataclass
class Batch:
    """What a body holds: the valid events and a problem for everything else; `size` counts both kinds of events."""

    size: int = 0
    events: list[tuple[int, Incoming]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


_decoder = msgspec.json.Decoder(float_hook=Decimal)
_BROKEN = (ValueError, RecursionError, ArithmeticError)  # what msgspec and the Decimal hook raise on bad text


def decode(text: bytes) -> Any:
    """A JSON value, its numbers exact (int or Decimal). Raises ValueError."""
    try:
        return _decoder.decode(text)
    except _BROKEN as error:
        raise ValueError("not JSON") from error


def read(body: bytes) -> Batch:
    """The events of a body: one JSON object or an array of up to 100. Never raises; any other body is one problem."""
    steps = reading(body)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            batch: Batch = stop.value
            return batch


def reading(body: bytes) -> Generator[None, None, Batch]:
    """`read` event by event, so that the caller may do something else in between."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        posted = _decoder.decode(body)
    except _BROKEN:
        return (yield from _reading_broken(body))
    if not isinstance(posted, list):
        return (yield from _collect([posted], validate))
    return _refusal(len(posted)) or (yield from _collect(posted, validate))


def _reading_broken(body: bytes) -> Generator[None, None, Batch]:
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return (yield from _collect([body], _parse))
    try:
        texts = [part.value for part in split(body, MAX_EVENTS)]
    except ValueError as error:
        return Batch(1, problems=[Problem(0, "", f"the body is not JSON: {error}")])
    return _refusal(len(texts)) or (yield from _collect(texts, _parse))


def _refusal(size: int) -> Batch | None:
    if 1 <= size <= MAX_EVENTS:
        return None
    return Batch(1, problems=[Problem(0, "", f"the body must hold 1 to {MAX_EVENTS} events")])


def _collect(items: list[Any], one: Callable[[int, Any], Incoming | list[Problem]]) -> Generator[None, None, Batch]:
    batch = Batch(len(items))
    for index, item in enumerate(items):
        event = one(index, item)
        if isinstance(event, list):
            batch.problems += event
        else:
            batch.events.append((index, event))
        yield
    return batch


def _parse(index: int, text: bytes) -> Incoming | list[Problem]:
    return parse(index, text, Incoming)


def parse(index: int, text: bytes, model: type[Model]) -> Model | list[Problem]:
    """One event's JSON text, or its problems. Never raises."""
    try:
        posted = _decoder.decode(text)
    except _BROKEN as error:
        return [_locate(index, text, error)]
    return validate(index, posted, model)


def validate(index: int, posted: object, model: type[Model] = Incoming) -> Model | list[Problem]:  # type: ignore[assignment]
    """A decoded event, numbers as int or Decimal, or its problems. Never raises."""
    if not isinstance(posted, dict):
        return [Problem(index, "", "must be an object")]
    try:
        return model.model_validate(_without_null(posted))
    except ValidationError as error:
        return [
            Problem(index, ".".join(map(str, found["loc"])), _message(found))
            for found in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]
        ]


_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters",
    "string_pattern_mismatch": "must be three letters",  # only `currency` has a pattern
    "int_type": "must be an integer",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be two integers",  # only `screen` is a list
    "too_long": "must be two integers",
    "too_short": "must be two integers",
    "model_type": "must be an object, a string or a number",  # only `revenue` is a model
}


def _message(found: ErrorDetails) -> str:
    if found["type"] in _MESSAGES:
        return _MESSAGES[found["type"]].format(**found.get("ctx", {}))
    return found["msg"].removeprefix("Value error, ")


def _locate(index: int, text: bytes, error: Exception) -> Problem:
    """The innermost member that cannot be parsed on its own names the field."""
    names: list[str] = []
    # `data` may nest for ever, so the search goes no deeper than the one field whose members have names of their own.
    for _ in range(2):
        if not text.lstrip(b" \t\r\n").startswith(b"{") or names not in ([], ["revenue"]):
            break
        try:
            parts = split(text, MAX_MEMBERS)
        except ValueError as unsplit:
            error = unsplit
            break
        for part in parts:
            try:
                name = str(_decoder.decode(part.key))
                _decoder.decode(part.value)
            except _BROKEN as found:
                name = part.key.strip(b'"').decode("utf-8", "replace")[:64]
                names.append(name)
                text, error = part.value, found
                break
        else:
            break
    return Problem(index, ".".join(names), _cause(error))


def _cause(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not valid UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return "is not valid JSON"
