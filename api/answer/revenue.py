"""Transactions of a range: their sum and number, over time and by the first touch of their sessions."""

from decimal import Decimal
from typing import Any, TypedDict

from pydantic import BaseModel

from api.answer.touch import FEW, OTHER
from api.answer.within import starts, within
from api.number import money, ratio
from api.retained import Plain
from api.span import Span
from ingest.contract.site import Revenue as Setting
from rollups.read import Reader


class Summary(BaseModel):
    total_revenue: float
    total_transactions: int
    avg_order_value: float


class PeriodRevenue(BaseModel):
    period: str
    revenue: float
    transactions: int


class SourceRevenue(BaseModel):
    source: str
    revenue: float
    transactions: int


class CampaignRevenue(BaseModel):
    source: str
    campaign: str
    revenue: float
    transactions: int


class CurrencyRevenue(BaseModel):
    currency: str
    revenue: float
    transactions: int


class Revenue(Plain):
    """Amounts in `currency`; `excluded_currencies` are summed each for itself and in no other number here.

    Past 1,000 rows the last source is `(other)`, and the last campaign `(other)` of the source `(other)`; they sum the
    rest. Of other currencies, which have no sum, the first 1,000 are listed.
    """

    configured: bool
    summary: Summary
    revenue_over_time: list[PeriodRevenue]
    by_source: list[SourceRevenue]
    by_campaign: list[CampaignRevenue]
    currency: str | None
    excluded_currencies: list[CurrencyRevenue]


def revenue(reader: Reader, site: str, span: Span, setting: Setting | None) -> Revenue:
    """The revenue of a range under the site's setting as it is now; without one, zeros of the same shape."""
    rows = [] if setting is None else _rows(reader, site, span, setting)
    currency = None if setting is None else setting.currency
    own = [row for row in rows if row["currency"] == currency]
    series = {row["bucket"]: row for row in own if row["by_bucket"]}
    whole = next((row for row in own if not row["by_bucket"] and not row["by_source"]), _NOTHING)
    return Revenue(
        configured=setting is not None,
        summary=Summary(
            total_revenue=money(whole["revenue"]),
            total_transactions=whole["transactions"],
            avg_order_value=ratio(whole["revenue"], whole["transactions"]),
        ),
        revenue_over_time=[
            PeriodRevenue(period=period, **_sums(series.get(start, _NOTHING))) for start, period in span.buckets()
        ],
        by_source=[
            SourceRevenue(source=row["source"], **_sums(row))
            for row in own
            if row["by_source"] and not row["by_campaign"]
        ],
        by_campaign=[
            CampaignRevenue(source=row["source"], campaign=row["campaign"], **_sums(row))
            for row in own
            if row["by_campaign"]
        ],
        currency=currency,
        excluded_currencies=[
            CurrencyRevenue(currency=row["currency"], **_sums(row)) for row in rows if row["currency"] != currency
        ],
    )


_NOTHING: dict[str, Any] = {"revenue": Decimal(0), "transactions": 0}


def _rows(reader: Reader, site: str, span: Span, setting: Setting) -> list[dict[str, Any]]:
    begun = starts(span)
    asked = {"currency": setting.currency, "type": setting.type or "", "starts": begun, **within(span)}
    most = FEW + len(begun)
    few = reader.rows("revenue_few", site=site, most=most + 1, **asked)
    return sorted(few, key=_place) if len(few) <= most else reader.rows("revenue", site=site, **asked)


def _place(row: dict[str, Any]) -> tuple[bool, Decimal, str, str, str]:
    other = row["source"] == OTHER and row["campaign"] in ("", OTHER)
    return other, -row["revenue"], row["currency"], row["source"], row["campaign"]


class _Sums(TypedDict):
    revenue: float
    transactions: int


def _sums(row: dict[str, Any]) -> _Sums:
    return {"revenue": money(row["revenue"]), "transactions": row["transactions"]}
