"""The model of a breakdown."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from tests.oracle.answers import Answer, Sum, _started, _transactions
from tests.oracle.fact import Session
from tests.oracle.number import percent, ratio
from tests.oracle.sessions import Site
from tests.oracle.span import Range


def breakdown(
    site: Site, span: Range, settings: Answer, values: Callable[[Session], set[str]], dimension: str
) -> Answer:
    """All rows; `values`: what a session has of the dimension."""
    sessions = _started(site, span)
    configured = settings["revenue"] is not None
    earned: dict[int, Sum] = defaultdict(Sum)
    for fact, session in _transactions(site, settings) if configured else ():
        assert fact.money
        if (fact.money.currency or settings["revenue"]["currency"]) == settings["revenue"]["currency"]:
            earned[id(session)].add(fact.money.amount)

    def numbers(of: list[Session], value: str | None) -> Answer:
        views = [view for session in of for view in session.views]
        events = [fact for session in of for fact in session.interactive]
        return {
            "sessions": len(of),
            "visitors": len({session.facts[0].visitor for session in of}),
            "pageviews": sum(dimension != "page" or value in (None, view.fact.page) for view in views),
            "bounce_rate": percent(sum(session.bounce for session in of), len(of)),
            "avg_session_duration": ratio(Fraction(sum(each.end - each.start for each in of), 1000), len(of)),
            "events": sum(dimension != "event" or value in (None, fact.type) for fact in events),
            "revenue": float(sum((earned[id(session)].revenue for session in of), Decimal(0))),
            "transactions": sum(earned[id(session)].transactions for session in of),
        }

    by_value: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        for value in values(session):
            by_value[value].append(session)
    ordered = sorted(by_value.items(), key=lambda item: (-len(item[1]), item[0]))
    return {
        "dimension": dimension,
        "total_rows": len(ordered),
        "totals": numbers(sessions, None),
        "rows": [
            {"value": value, "share": percent(len(of), len(sessions))} | numbers(of, value) for value, of in ordered
        ],
    }
