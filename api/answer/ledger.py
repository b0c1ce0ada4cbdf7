"""What became of every event that was answered with 202."""

from pydantic import BaseModel, ConfigDict, Field

from api.answer.within import within
from api.span import Span, iso
from rollups.read import Reader

QUARTER = 15 * 60 * 1000


class Ledger(BaseModel):
    """By receipt time in [from, to); received = counted + all that were filtered, each by one reason."""

    model_config = ConfigDict(serialize_by_alias=True)
    received: int
    counted: int
    filtered: dict[str, int]
    from_: str = Field(serialization_alias="from")
    to: str


def ledger(reader: Reader, site: str, span: Span) -> Ledger:
    """The ledger of the range, widened to full quarters of an hour."""
    wide = widened(span)
    by_reason = {row["reason"]: row["events"] for row in reader.rows("ledger", site=site, **within(wide))}
    counted = by_reason.pop("", 0)
    return Ledger(
        received=counted + sum(by_reason.values()),
        counted=counted,
        filtered=by_reason,
        from_=iso(wide.start),
        to=iso(wide.end),
    )


def widened(span: Span) -> Span:
    """To full quarters of an hour."""
    return Span(span.start - span.start % QUARTER, span.end + -span.end % QUARTER, span.zone)
