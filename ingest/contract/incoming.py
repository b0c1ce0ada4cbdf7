"""The posted event: its fields, their limits, and the errors by field of one that breaks them.

| field | limit |
|---|---|
| `site`, `type`, `url` | required; 1 to 64 characters; 1 to 64 that are no controls, bidi overrides or isolates, \
trimmed, with one space for inner white space; http(s), the first 64 KiB |
| `id`, `view`, `visitor` | 1 to 64, ≤ 64, ≤ 128 characters; a number is its text; an empty `visitor` is a missing one |
| `at`, `sent_at`, `seq` | ms of any clock; from 0 to 2⁵³, the place in the body if missing |
| `referrer`, `title` | the first 64 KiB and 1,000 characters |
| `screen` | two numbers, 0 to 65,535 |
| `data` | an object of ≤ 32 keys, nested ones included, ≤ 32 levels deep, ≤ 4 KiB as compact JSON |
| `revenue` | `amount` (string or number, < 10¹⁴, rounded to 4 decimals), `currency` (three letters), `transaction` \
(≤ 128 characters, a number is its text); a bare string or number is the amount |
| `scroll`, `engaged_ms` | 0 to 100; 0 to 86,400,000 |

Integers may have a fraction, which is rounded. Half a surrogate pair is U+FFFD, and so is NUL in what is stored. `null`
is a missing field. Unknown fields are ignored.
"""

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

from ingest.contract import field
from ingest.contract.event import Revenue
from ingest.contract.posted import MAX_DATE, MAX_ENGAGED, MAX_PIXELS, MAX_SEQ, MAX_TIME, MAX_TRANSACTION, Posted
from ingest.contract.text import printable

MAX_AGENT = 2048  # characters that are kept
MAX_ERRORS = 20  # of one event: it has no more fields than that


class Problem(msgspec.Struct, frozen=True):
    """Why the event at `index` was not accepted; `field` is dotted (`revenue.amount`), "" when no field is to blame."""

    index: int
    field: str
    message: str


# The schemas say what is meant to be posted; more is understood.
_SPELLED = BeforeValidator(field.spelled)
_WITHOUT_NUL = AfterValidator(field.without_nul)
_ROUNDED = BeforeValidator(field.whole)
EventType: TypeAlias = Annotated[
    str,
    AfterValidator(field.event_type),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": field.MAX_TYPE}),
]
Time: TypeAlias = Annotated[int, Field(ge=-MAX_DATE, le=MAX_DATE), _ROUNDED]
Pixels: TypeAlias = Annotated[int, Field(ge=0, le=MAX_PIXELS), _ROUNDED]
Referrer: TypeAlias = Annotated[str, AfterValidator(lambda referrer: referrer[: field.MAX_URL])]
Title: TypeAlias = Annotated[str, AfterValidator(lambda title: title[: field.MAX_TITLE]), _WITHOUT_NUL, _SPELLED]
_FROZEN = ConfigDict(frozen=True, strict=True, extra="ignore")

# As they are posted; validation turns them into exact integers.
_AMOUNT_TEXT = {"type": "string", "pattern": f"^{field.AMOUNT.pattern}$"}
_AMOUNT_SCHEMA: dict[str, Any] = {"anyOf": [_AMOUNT_TEXT, {"type": "number"}]}
_DEPTH_SCHEMA: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 100}


class IncomingRevenue(BaseModel):
    """`amount` in ten-thousandths; currency "": the site's; transaction "": the event's id."""

    model_config = _FROZEN
    amount: Annotated[int, BeforeValidator(field.amount), WithJsonSchema(_AMOUNT_SCHEMA)]
    currency: Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{3})?$"), AfterValidator(str.upper)] = ""
    transaction: Annotated[str, Field(max_length=MAX_TRANSACTION), _WITHOUT_NUL, _SPELLED] = ""


class Incoming(BaseModel):
    """One posted event, valid; `data` as compact JSON text, `scroll` in hundredths of a per cent."""

    model_config = _FROZEN
    site: Annotated[str, Field(min_length=1, max_length=64)]
    type: EventType
    url: Annotated[str, AfterValidator(field.web_address)]
    id: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(printable), _SPELLED] | None = None
    at: Time | None = None
    sent_at: Time | None = None
    seq: Annotated[int, Field(ge=0, le=MAX_SEQ), _ROUNDED] | None = None
    visitor: Annotated[str, Field(max_length=128), _SPELLED] = ""
    view: Annotated[str, Field(max_length=64), _WITHOUT_NUL, _SPELLED] = ""
    referrer: Referrer = ""
    title: Title = ""
    screen: Annotated[
        Annotated[list[Pixels], Field(min_length=2, max_length=2)] | None, BeforeValidator(field.known)
    ] = None
    data: Annotated[str, BeforeValidator(field.data), WithJsonSchema({"type": "object"})] = ""
    revenue: Annotated[IncomingRevenue | None, BeforeValidator(field.whole_revenue)] = None
    scroll: Annotated[int, BeforeValidator(field.depth), WithJsonSchema(_DEPTH_SCHEMA)] | None = None
    engaged_ms: Annotated[int, Field(ge=0, le=MAX_ENGAGED), _ROUNDED] | None = None

    @property
    def posted(self) -> Posted:
        fields = {name: getattr(self, name) for name in Posted.__struct_fields__}
        screen, revenue = self.screen, self.revenue
        fields["screen"] = None if screen is None else (screen[0], screen[1])
        fields["revenue"] = None if revenue is None else Revenue(revenue.amount, revenue.currency, revenue.transaction)
        return Posted(**fields)


class IncomingImport(Incoming):
    """A line of `import --format events`: the event's own time, and what a request would have told about its sender."""

    site: Annotated[str, Field(max_length=64)] = ""
    at: Annotated[int, Field(ge=0, le=MAX_TIME), _ROUNDED]
    ip: Annotated[str, Field(max_length=1024)] = ""
    user_agent: Annotated[str, AfterValidator(lambda agent: agent[:MAX_AGENT])] = ""


Model = TypeVar("Model", bound=Incoming)


def validate(index: int, posted: object) -> Posted | list[Problem]:
    """A decoded event, numbers as int or Decimal, or its problems. Never raises."""
    event = check(index, posted, Incoming)
    return event if isinstance(event, list) else event.posted


def check(index: int, posted: object, model: type[Model]) -> Model | list[Problem]:
    """As `validate`, by the model."""
    if not isinstance(posted, dict):
        return [Problem(index, "", "must be an object")]
    try:
        return model.model_validate(field.without_null(posted))
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
    "list_type": f"must be two integers from 0 to {MAX_PIXELS}",  # only `screen` is a list
    "too_long": f"must be two integers from 0 to {MAX_PIXELS}",
    "too_short": f"must be two integers from 0 to {MAX_PIXELS}",
    "model_type": "must be an object, a string or a number",  # only `revenue` is a model
}


def _message(found: ErrorDetails) -> str:
    if found["type"] in _MESSAGES:
        return _MESSAGES[found["type"]].format(**found.get("ctx", {}))
    return found["msg"].removeprefix("Value error, ")
