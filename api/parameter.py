"""The parameters of the read API, as the query string gives them; the OpenAPI document shows these models."""

import re
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from api.filter import FILTERED, MAX_FILTERS, parse
from api.span import Granularity
from ingest.contract.field import event_type
from ingest.contract.incoming import EventType
from ingest.contract.page import page as page_of
from ingest.contract.site import Friction
from rollups.selection import DIMENSIONS, Filter

_FILTER = "^(" + "|".join(FILTERED) + ")(==|!=|=~|!~)[\\s\\S]+$"
_MOMENT = {  # each with its type: generators of clients look no further up
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
    "examples": ["2025-03-30", "2025-03-30T12:00:00+02:00"],
}
_Filter = Annotated[Filter, BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": _FILTER})]
_Moment = Annotated[str, WithJsonSchema(_MOMENT)]


def _whole(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError("not a whole number")
    return text


def _page(text: str) -> str:
    if not text.strip():
        raise ValueError("not a url or path")
    return page_of(text)


Page = Annotated[
    str, AfterValidator(_page), WithJsonSchema({"type": "string", "minLength": 1, "examples": ["/pricing"]})
]


class Nothing(BaseModel):
    """No parameters."""


class MemberOf(BaseModel):
    """A member."""

    id: str = Field(description="Of the membership or invitation, or of the member's account.")


class Range(BaseModel):
    """Half-open [from, to), exact to the millisecond; a date alone as `to` includes that day."""

    all_time: ClassVar[bool] = False
    from_: _Moment | None = Field(
        None, alias="from", description="Start, ISO 8601; naive times are the zone's. Default: 30 days before `to`."
    )
    to: _Moment | None = Field(None, description="End, ISO 8601; a date includes that day. Default: now.")
    tz: str | None = Field(
        None,
        description="IANA time zone instead of the site's, for naive times and buckets.",
        examples=["Europe/Berlin"],
    )


Filters: TypeAlias = list[_Filter]
FILTERS: Any = Field(
    [],
    max_length=MAX_FILTERS,
    description="Only sessions for which it holds, several joined by *and*: a dimension, `==` `!=` `=~` `!~`, and "
    f"alternatives separated by `|`; `=~` and `!~` know `*`. Dimensions: {', '.join(FILTERED)}.",
    examples=[["source==google|bing", "page=~/blog/*"]],
)


class Filtered(Range):
    """A range of the sessions that all filters select."""

    filter: Filters = FILTERS


class Series(Filtered):
    """A range that is shown bucket by bucket."""

    interval: Granularity | None = Field(
        None, description="How long a bucket is; a week begins on Monday. Default: hour up to 48 hours, else day."
    )


class AllTime(Range):
    """A range that is all time unless `from` is given."""

    all_time: ClassVar[bool] = True
    from_: _Moment | None = Field(None, alias="from", description="Start, ISO 8601. Default: all time.")


class BreakdownOf(Filtered):
    """By what the sessions of the range are told apart."""

    dimension: Literal[DIMENSIONS]  # type: ignore[valid-type]  # mypy knows no literals that are made
    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)] = Field(100, description="Rows of a page.")
    page: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_whole)] = Field(1, description="From 1.")
    format: Literal["json", "csv"] = "json"


class FilteredAllTime(AllTime, Filtered):
    """All time unless `from` is given, of the sessions that all filters select."""


class ScrollDepthOf(FilteredAllTime):
    """Which pages: the most viewed ones, or one."""

    url: Page | None = Field(None, description="One page, as a path or url in any spelling.")
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)] = Field(20, description="How many pages.")


class FunnelOf(FilteredAllTime):
    """Which page, or any."""

    url: Page | None = Field(None, description="One page, as a path or url in any spelling. Default: any page.")


_Threshold = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] | None


class JudgedBy(Filtered):
    """Thresholds instead of the site's."""

    bouncer_seconds: _Threshold = None
    skimmer_seconds_per_page: _Threshold = None
    engaged_pageviews: Annotated[int, Field(ge=1, le=1000)] | None = None
    engaged_seconds: _Threshold = None
    deep_seconds: _Threshold = None
    deep_percent: Annotated[float, Field(ge=0, le=100)] | None = None

    def over(self, own: Friction) -> Friction:
        """The site's own, and those that are given."""
        return own.model_copy(update=self.model_dump(include=set(Friction.model_fields), exclude_none=True))


class PageFlowOf(Filtered):
    """Which page."""

    url: Page = Field(description="One page, as a path or url in any spelling.")


class ReachOf(Filtered):
    """What was reached: a page, or an event type."""

    metric: Literal["page", "event"]
    value: str = Field(description="The page (path or url in any spelling) or the event type.", min_length=1)

    @field_validator("value")
    @classmethod
    def _of_metric(cls, value: str, info: ValidationInfo) -> str:
        return event_type(value) if info.data.get("metric") == "event" else _page(value)


class StepsOf(Filtered):
    """The ordered steps of a funnel; a type may come more than once."""

    steps: list[EventType] = Field(
        alias="steps[]",
        min_length=2,
        max_length=10,
        description="Event types in order; also spelled `steps`, or `steps[0]`, `steps[1]` …",
    )


class TypeOf(AllTime):
    """One event type."""

    refuses_filter: ClassVar[bool] = True
    type: EventType


class ValuesOf(Range):
    """One key of the data of one event type."""

    refuses_filter: ClassVar[bool] = True
    type: EventType
    key: str = Field(description="As `event-data-keys` names it.", min_length=1, max_length=4096)
    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)] = Field(100, description="How many values.")


class NowOf(BaseModel):
    """Which sessions."""

    filter: Filters = FILTERS


class LedgerOf(Range):
    """When lines were received."""

    refuses_filter: ClassVar[bool] = True


class VisitorsOf(BaseModel):
    """A page of the list, of all or of whom is searched."""

    refuses_filter: ClassVar[bool] = True
    page: Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(_whole)] = Field(
        1, description="From 1; 50 entries each."
    )
    search: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Only visitors whom the site's events call so (their `visitor`), or whose id it is or begins, "
        "from 8 digits on.",
        examples=["customer-4711"],
    )
