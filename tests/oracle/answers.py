"""What the model answers of a site and a span, under the published names; of visitors: `people`, of events: `deeds`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from tests.oracle.bucket import BUCKETS, bucket
from tests.oracle.fact import Fact, Session
from tests.oracle.number import percent, ratio, shares
from tests.oracle.sessions import Site
from tests.oracle.span import Range

Answer = dict[str, Any]
Some = TypeVar("Some")
MILESTONES = (25, 50, 75, 100)
OTHER = "(other)"
ROWS = 1_000  # of a list
ALL_CAMPAIGNS = 10_000  # of all sources of an answer


def _started(site: Site, span: Range) -> list[Session]:
    return [session for session in site.sessions if session.start in span]


def _ranked(counts: Counter[str], key: str, limit: int | None = None) -> list[Answer]:
    ordered = sorted(counts.items(), key=lambda item: (item[0] == OTHER, -item[1], item[0]))
    return [{key: name, "count": count} for name, count in ordered[:limit]]


def _pageviews(site: Site, span: Range) -> Counter[str]:
    return Counter(fact.page for fact in site.counted if fact.type == "pageview" and fact.time in span)


def dashboard(site: Site, span: Range) -> Answer:
    sessions = _started(site, span)
    over_time = Counter(span.period(session.start) for session in sessions)
    pages = _pageviews(site, span)
    devices = Counter({"Phone": 0, "Tablet": 0, "Desktop": 0})
    devices.update(session.first_touch.device for session in sessions)
    return {
        "sessions_over_time": [{"period": period, "count": over_time[period]} for period in span.periods()],
        "granularity": span.granularity,
        "total_sessions": len(sessions),
        "bounce_rate": percent(sum(session.bounce for session in sessions), len(sessions)),
        "avg_session_duration": ratio(
            Fraction(sum(session.end - session.start for session in sessions), 1000), len(sessions)
        ),
        "referrers": _ranked(Counter(session.first_touch.source for session in sessions), "source", 10),
        "top_pages": _ranked(pages, "page", 10),
        "top_events": _ranked(
            Counter(kind for session in sessions for kind in {fact.type for fact in session.custom}), "type", 10
        ),
        "countries": _ranked(Counter(session.first_touch.country for session in sessions), "country"),
        "devices": _ranked(devices, "device"),
        "visitors": len({session.facts[0].visitor for session in sessions}),
        "pageviews": pages.total(),
    }


def _transactions(site: Site, settings: Answer) -> list[tuple[Fact, Session]]:
    """The events that stand as transactions, over all time, each with its session."""
    wanted = settings["revenue"]["type"]
    carriers = [
        (fact, session)
        for session in site.sessions
        for fact in session.interactive
        if fact.money and (wanted is None or fact.type in (wanted, "refund"))
    ]
    standing: dict[tuple[str, bool], tuple[Fact, Session]] = {}
    for fact, session in sorted(carriers, key=lambda each: each[0].order):
        assert fact.money
        standing.setdefault((fact.money.transaction, fact.money.amount < 0), (fact, session))
    return list(standing.values())


class Sum:
    """Of transactions."""

    def __init__(self) -> None:
        self.revenue = Decimal(0)
        self.transactions = 0

    def add(self, amount: Decimal) -> None:
        self.revenue += amount
        self.transactions += amount >= 0

    def answer(self) -> Answer:
        return {"revenue": float(self.revenue), "transactions": self.transactions}


def revenue_list(sums: Mapping[Some, Sum], other: Some) -> list[tuple[Some, Sum]]:
    """By revenue, largest first, `other` last."""
    named = _named({key: each.revenue for key, each in sums.items()}, ROWS, other)
    shown: dict[Some, Sum] = defaultdict(Sum)
    for key, each in sums.items():
        of = shown[key if key in named else other]
        of.revenue += each.revenue
        of.transactions += each.transactions
    return sorted(shown.items(), key=lambda item: (item[0] == other, -item[1].revenue, item[0]))


def revenue(site: Site, span: Range, settings: Answer) -> Answer:
    configured = settings["revenue"] is not None
    currency = settings["revenue"]["currency"] if configured else None
    total = Sum()
    over_time: dict[str, Sum] = {period: Sum() for period in span.periods()}
    by_source: dict[str, Sum] = defaultdict(Sum)
    by_campaign: dict[tuple[str, str], Sum] = defaultdict(Sum)
    excluded: dict[str, Sum] = defaultdict(Sum)
    for fact, session in _transactions(site, settings) if configured else ():
        assert fact.money
        if fact.time not in span:
            continue
        if (fact.money.currency or currency) != currency:
            excluded[fact.money.currency].add(fact.money.amount)
            continue
        touch = session.first_touch
        for sums in (
            total,
            over_time[span.period(fact.time)],
            by_source[touch.source],
            by_campaign[touch.source, touch.campaign],
        ):
            sums.add(fact.money.amount)
    return {
        "configured": configured,
        "summary": {
            "total_revenue": float(total.revenue),
            "total_transactions": total.transactions,
            "avg_order_value": ratio(Fraction(total.revenue), total.transactions),
        },
        "revenue_over_time": [{"period": period} | sums.answer() for period, sums in over_time.items()],
        "by_source": [{"source": source} | sums.answer() for source, sums in revenue_list(by_source, OTHER)],
        "by_campaign": [
            {"source": source, "campaign": campaign} | sums.answer()
            for (source, campaign), sums in revenue_list(by_campaign, (OTHER, OTHER))
        ],
        "currency": currency,
        "excluded_currencies": [
            {"currency": name} | sums.answer()
            for name, sums in sorted(excluded.items(), key=lambda item: (-item[1].revenue, item[0]))[:ROWS]
        ],
    }


def _named(sizes: Mapping[Any, Any], rows: int, other: Any = OTHER) -> set[Any]:
    """Which keys a list of at most `rows` rows names; the rest, and what is stored as `(other)`, is its last row."""
    ordered = sorted(sizes.keys() - {other}, key=lambda key: (-sizes[key], key))
    return set(ordered if len(sizes) <= rows else ordered[: rows - 1])


def grouped(touched: Iterable[tuple[str, str, Some]], describe: Callable[[list[Some]], Answer]) -> list[Answer]:
    """What has a (source, campaign), by source and within one by campaign, largest first, `(other)` last."""
    touches = list(touched)
    sources = _named(Counter(source for source, _, _ in touches), ROWS)
    by_source: dict[str, dict[str, list[Some]]] = defaultdict(lambda: defaultdict(list))
    for source, campaign, each in touches:
        by_source[source if source in sources else OTHER][campaign].append(each)
    deepest = ROWS
    while sum(min(len(campaigns), deepest) for campaigns in by_source.values()) > ALL_CAMPAIGNS:
        deepest -= 1

    def answer(key: str, members: list[Some]) -> Answer:
        return {"key": key, "total": len(members)} | describe(members)

    def ranked(answers: Iterable[Answer]) -> list[Answer]:
        return sorted(answers, key=lambda each: (each["key"] == OTHER, -each["total"], each["key"]))

    sources_answer = []
    for source, campaigns in by_source.items():
        named = _named({campaign: len(members) for campaign, members in campaigns.items()}, deepest)
        shown: dict[str, list[Some]] = defaultdict(list)
        for campaign, members in campaigns.items():
            shown[campaign if campaign in named else OTHER] += members
        whole = answer(source, [each for members in shown.values() for each in members])
        sources_answer.append(
            whole | {"campaigns": ranked(answer(campaign, members) for campaign, members in shown.items())}
        )
    return ranked(sources_answer)


def _touched(sessions: Iterable[Session]) -> Iterable[tuple[str, str, Session]]:
    return ((session.first_touch.source, session.first_touch.campaign, session) for session in sessions)


def friction(site: Site, span: Range, settings: Answer) -> Answer:
    def describe(sessions: list[Session]) -> Answer:
        counts = Counter(bucket(session, settings) for session in sessions)
        buckets = {name: counts[name] for name in BUCKETS}
        return {"buckets": buckets, "bucket_pct": shares(buckets)}

    return {"sources": grouped(_touched(_started(site, span)), describe), "thresholds": settings["friction"]}


def _reached(views: Iterable[Decimal | None]) -> dict[int, int]:
    depths = [depth for depth in views if depth is not None]
    return {milestone: sum(depth >= milestone for depth in depths) for milestone in MILESTONES}


def scroll_depth(site: Site, span: Range, url: str | None = None, limit: int = 20) -> Answer:
    """`url` is already a page."""
    pages: dict[str, list[Decimal | None]] = defaultdict(list)
    for session in site.sessions:
        for view in session.views:
            if view.fact.time in span:
                pages[view.fact.page].append(view.depth)
    chosen = (
        [(url, pages.get(url, []))]
        if url is not None
        else sorted(pages.items(), key=lambda item: (item[0] == OTHER, -len(item[1]), item[0]))[:limit]
    )
    answers = []
    for page, depths in chosen:
        told = [depth for depth in depths if depth is not None]
        reached = _reached(depths)
        answers.append(
            {
                "page": page,
                "views": len(depths),
                "reported": len(told),
                "depth": {str(milestone): count for milestone, count in reached.items()},
                "depth_pct": {str(milestone): percent(count, len(told)) for milestone, count in reached.items()},
                "avg_depth": ratio(Fraction(sum(told)), len(told)),
            }
        )
    return {"pages": answers}


def over_time(site: Site, span: Range) -> Answer:
    sessions: dict[str, list[Session]] = {period: [] for period in span.periods()}
    for session in _started(site, span):
        sessions[span.period(session.start)].append(session)
    views = Counter(span.period(fact.time) for fact in site.counted if fact.type == "pageview" and fact.time in span)
    return {
        "granularity": span.granularity,
        "over_time": [
            {
                "period": period,
                "sessions": len(held),
                "visitors": len({session.facts[0].visitor for session in held}),
                "pageviews": views[period],
                "bounce_rate": percent(sum(session.bounce for session in held), len(held)),
                "avg_session_duration": ratio(
                    Fraction(sum(session.end - session.start for session in held), 1000), len(held)
                ),
            }
            for period, held in sessions.items()
        ],
    }


def friction_preview(site: Site, span: Range, settings: Answer, judged: Answer) -> Answer:
    sessions = _started(site, span)
    made = {name: sum(bucket(session, settings) == name for session in sessions) for name in BUCKETS}
    return {
        "total": len(sessions),
        "changed": sum(bucket(session, settings) != bucket(session, judged) for session in sessions),
        "buckets": made,
        "bucket_pct": shares(made),
    }
