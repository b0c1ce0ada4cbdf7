"""The posted event: its fields, their limits, and the errors by field of one that breaks them.

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
from ingest.contract.posted import MAX_ENGAGED, MAX_PIXELS, MAX_SEQ, MAX_TIME, MAX_TRANSACTION, Posted

MAX_ERRORS = 20  # of one event: it has no more fields than that


class Problem(msgspec.Struct, frozen=True):
    """Why the event at `index` was not accepted; `field` is dotted (`revenue.amount`), "" when no field is to blame."""

    index: int
    field: str
    message: str


Text: TypeAlias = Annotated[str, AfterValidator(field.no_nul)]
EventType: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(field.printable)
]
Integer: TypeAlias = Annotated[int, Field(ge=0, le=MAX_SEQ)]
Time: TypeAlias = Annotated[int, Field(ge=0, le=MAX_TIME)]
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
    transaction: Annotated[Text, Field(max_length=MAX_TRANSACTION)] = ""


class Incoming(BaseModel):
    """One posted event, valid; `data` as compact JSON text, `scroll` in hundredths of a per cent."""

    model_config = _FROZEN
    site: Annotated[Text, Field(min_length=1, max_length=64)]
    type: EventType
    url: Annotated[Text, Field(max_length=8192), AfterValidator(field.web_address)]
    id: Annotated[Text, Field(min_length=1, max_length=64), AfterValidator(field.printable)] | None = None
    at: Time | None = None
    sent_at: Time | None = None
    seq: Integer = 0
    visitor: Annotated[Text, Field(max_length=128)] = ""
    view: Annotated[Text, Field(max_length=64)] = ""
    referrer: Annotated[Text, Field(max_length=8192)] = ""
    title: Annotated[Text, Field(max_length=1000)] = ""
    screen: Annotated[list[Annotated[int, Field(ge=0, le=MAX_PIXELS)]], Field(min_length=2, max_length=2)] | None = None
    data: Annotated[str, BeforeValidator(field.data), WithJsonSchema({"type": "object"})] = ""
    revenue: Annotated[IncomingRevenue | None, BeforeValidator(field.whole_revenue)] = None
    scroll: Annotated[int, BeforeValidator(field.depth), WithJsonSchema(_DEPTH_SCHEMA)] | None = None
    engaged_ms: Annotated[int, Field(ge=0, le=MAX_ENGAGED)] | None = None

    @property
    def posted(self) -> Posted:
        fields = {name: getattr(self, name) for name in Posted.__struct_fields__}
        screen, revenue = self.screen, self.revenue
        fields["screen"] = None if screen is None else (screen[0], screen[1])
        fields["revenue"] = None if revenue is None else Revenue(revenue.amount, revenue.currency, revenue.transaction)
        return Posted(**fields)


class IncomingImport(Incoming):
    """A line of `import --format events`: the event's own time, and what a request would have told about its sender."""

    site: Annotated[Text, Field(max_length=64)] = ""
    at: Time
    ip: Annotated[str, Field(max_length=1024)] = ""
    user_agent: Annotated[Text, Field(max_length=2048)] = ""


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
    "list_type": "must be two integers",  # only `screen` is a list
    "too_long": "must be two integers",
    "too_short": "must be two integers",
    "model_type": "must be an object, a string or a number",  # only `revenue` is a model
}


def _message(found: ErrorDetails) -> str:
    if found["type"] in _MESSAGES:
        return _MESSAGES[found["type"]].format(**found.get("ctx", {}))
    return found["msg"].removeprefix("Value error, ")
