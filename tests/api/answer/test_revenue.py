"""What stands as a transaction, when, and for whom."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from api.answer.revenue import Revenue, revenue
from api.answer.visitor_sessions import visitor_sessions
from api.filter import parse
from api.span import Span
from ingest.contract.site import Revenue as Setting
from rollups.selection import select
from tests.api.answer.conftest import Store
from tests.api.answer.made import at, paying, retracted

pytestmark = pytest.mark.services

NOON = at("2025-03-10T12:00:00+00:00")
MONTH = 30 * 24 * 3_600_000
EUR = Setting(currency="EUR", type="purchase")


def asked(store: Store, start: int = NOON - MONTH, end: int = NOON + MONTH, setting: Setting | None = EUR) -> Revenue:
    return revenue(store.reader, "s1", Span(start, end, ZoneInfo("UTC")), setting)


def summary(answer: Revenue) -> tuple[float, int, float]:
    return (
        answer.summary.total_revenue,
        answer.summary.total_transactions,
        answer.summary.avg_order_value,
    )


def test_a_transaction_sent_again_by_another_visitor_a_month_later_counts_once_for_the_earlier(store: Store) -> None:
    later = paying("b", NOON + MONTH, [("o-1", NOON + MONTH, 500_000, "EUR")], source="bing")
    store.write(sessions=[later])
    assert summary(asked(store, end=NOON + 2 * MONTH)) == (50.0, 1, 50.0)
    store.write(sessions=[paying("a", NOON, [("o-1", NOON, 199_000, "EUR")], source="google", campaign="Spring")])
    answer = asked(store, end=NOON + 2 * MONTH)
    assert summary(answer) == (19.9, 1, 19.9)
    assert [(each.source, each.campaign) for each in answer.by_campaign] == [("google", "Spring")]
    # In the later one's range nothing is left: what stands is settled before the range is cut.
    assert summary(asked(store, NOON + 1, NOON + 2 * MONTH)) == (0.0, 0, 0.0)


def test_once_its_session_is_retracted_the_next_one_stands(store: Store) -> None:
    first = paying("a", NOON, [("o-1", NOON, 100_000, "EUR")])
    store.write(sessions=[first, paying("b", NOON + 1, [("o-1", NOON + 1, 70_000, "EUR")])])
    store.write(sessions=[retracted(first)])
    assert summary(asked(store)) == (7.0, 1, 7.0)


def test_a_filter_asks_what_a_session_is_now_and_lets_the_next_one_stand(store: Store) -> None:
    """The first session came from x as long as its earliest event was missing; its row of then selects nothing."""
    was = paying("a", NOON, [("o-1", NOON + 1, 100_000, "EUR")], source="x")
    store.write(sessions=[was, paying("b", NOON + 2, [("o-1", NOON + 2, 70_000, "EUR")], source="x")])
    store.write(sessions=[retracted(was), was._replace(source="google", version=2)])

    def of(*filters: str) -> tuple[float, int, float]:
        reader = store.reader.selecting(select([parse(each) for each in filters]))
        return summary(revenue(reader, "s1", Span(NOON - MONTH, NOON + MONTH, ZoneInfo("UTC")), EUR))

    assert of("source==google") == of("source==google|x") == (10.0, 1, 10.0)
    assert of("source==x") == of("source=~x*") == (7.0, 1, 7.0)
    assert of("source!=google|x") == (0.0, 0, 0.0)


def test_a_refund_lowers_revenue_and_is_no_transaction(store: Store) -> None:
    payments = [("o-1", NOON, 300_000, "EUR"), ("o-2", NOON + 1, 100_000, "EUR"), ("o-1", NOON + 2, -50_000, "EUR")]
    store.write(sessions=[paying("a", NOON, [*payments, ("o-1", NOON + 3, -90_000, "EUR")])])
    answer = asked(store)
    assert summary(answer) == (35.0, 2, 17.5)
    assert [(each.source, each.revenue, each.transactions) for each in answer.by_source] == [("direct", 35.0, 2)]


def test_an_amount_of_nothing_is_a_transaction(store: Store) -> None:
    store.write(sessions=[paying("a", NOON, [("free", NOON, 0, "EUR"), ("o-1", NOON + 1, 10, "EUR")])])
    assert summary(asked(store)) == (0.001, 2, 0.0)


def test_the_setting_picks_the_type_before_the_earliest_stands(store: Store) -> None:
    row = paying(
        "a",
        NOON,
        [("o-1", NOON, 10_000, "EUR"), ("o-1", NOON + 1, 20_000, "EUR"), ("o-1", NOON + 2, -5_000, "EUR")],
        tx_type=("quote", "purchase", "refund"),
    )
    store.write(sessions=[row])
    assert summary(asked(store)) == (1.5, 1, 1.5)
    assert summary(asked(store, setting=Setting(currency="EUR"))) == (0.5, 1, 0.5)
    assert summary(asked(store, setting=Setting(currency="EUR", type="refund"))) == (-0.5, 0, 0.0)


def test_other_currencies_are_listed_and_not_summed(store: Store) -> None:
    payments = [("a", NOON, 10_000, ""), ("b", NOON, 20_000, "EUR"), ("c", NOON, 30_000, "USD"), ("d", NOON, -1, "GBP")]
    store.write(sessions=[paying("a", NOON, payments)])
    answer = asked(store)
    assert summary(answer) == (3.0, 2, 1.5)
    excluded = [(each.currency, each.revenue, each.transactions) for each in answer.excluded_currencies]
    assert excluded == [("USD", 3.0, 1), ("GBP", -0.0001, 0)]
    # The setting applies at once to all data: what named no currency is the site's, whichever that is.
    dollars = asked(store, setting=Setting(currency="USD", type="purchase"))
    assert summary(dollars) == (4.0, 2, 2.0)
    assert [each.currency for each in dollars.excluded_currencies] == ["EUR", "GBP"]


def test_a_transaction_whose_currency_is_foreign_stands_before_the_sites_own(store: Store) -> None:
    store.write(sessions=[paying("a", NOON, [("o-1", NOON, 10_000, "USD"), ("o-1", NOON + 1, 10_000, "EUR")])])
    assert summary(asked(store)) == (0.0, 0, 0.0)


def test_sums_are_decimal(store: Store) -> None:
    store.write(sessions=[paying("a", NOON, [(f"o-{number}", NOON, 1_001, "EUR") for number in range(3)])])
    assert summary(asked(store)) == (0.3003, 3, 0.1)
    assert asked(store).model_dump_json().startswith('{"configured":true,"summary":{"total_revenue":0.3003,')
    large = 8_999_999_999_999_999  # 900 billion less one ten-thousandth
    store.write(sessions=[paying("b", NOON, [("o-9", NOON + 1, large, "EUR")])])
    assert asked(store, NOON + 1).summary.total_revenue == float(Decimal("899999999999.9999"))


def test_not_configured_is_the_same_shape_of_zeros(store: Store) -> None:
    store.write(sessions=[paying("a", NOON, [("o-1", NOON, 10_000, "EUR")])])
    start = NOON - 3_600_000
    answer = asked(store, start, NOON + 1, setting=None)
    assert answer.model_dump() == {
        "configured": False,
        "summary": {"total_revenue": 0.0, "total_transactions": 0, "avg_order_value": 0.0},
        "revenue_over_time": [
            {"period": "2025-03-10T11:00:00+00:00", "revenue": 0.0, "transactions": 0},
            {"period": "2025-03-10T12:00:00+00:00", "revenue": 0.0, "transactions": 0},
        ],
        "by_source": [],
        "by_campaign": [],
        "currency": None,
        "excluded_currencies": [],
    }


def test_a_session_shows_only_what_stands_in_it(store: Store) -> None:
    visitor = "a" * 16
    store.write(
        sessions=[
            paying("b" * 16, NOON, [("o-1", NOON, 10_000, "EUR")]),
            paying(visitor, NOON + 1, [("o-1", NOON + 1, 10_000, "EUR"), ("o-2", NOON + 2, 20_000, "")]),
            paying(visitor, NOON + MONTH, [("o-2", NOON + MONTH, 20_000, ""), ("o-2", NOON + MONTH, -5_000, "EUR")]),
            paying(visitor, NOON + 2 * MONTH, [("o-3", NOON + 2 * MONTH, 20_000, "USD")]),
        ]
    )
    answer = visitor_sessions(store.reader, "s1", visitor, EUR)
    assert answer is not None
    assert [session.revenue for session in answer.sessions] == [0.0, -0.5, 2.0]
    unset = visitor_sessions(store.reader, "s1", visitor, None)
    assert unset is not None
    assert [session.revenue for session in unset.sessions] == [0.0] * 3
