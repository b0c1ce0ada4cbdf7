"""Every answer of the read API, computed from the sessions of the model, under the published names."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from tests.oracle.bucket import BUCKETS, bucket
from tests.oracle.fact import DAY, Fact, Session
from tests.oracle.number import percent, ratio, shares
from tests.oracle.sessions import Site
from tests.oracle.span import Range, iso

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


def engagement_funnel(site: Site, span: Range, page: str | None = None) -> Answer:
    deepest = []
    for session in _started(site, span):
        views = [view for view in session.views if page is None or view.fact.page == page]
        if views:
            deepest.append(max((view.depth for view in views if view.depth is not None), default=None))
    reached = _reached(deepest)
    steps: list[Answer] = []
    before = len(deepest)
    for step, count in [("view", len(deepest)), *((str(key), count) for key, count in reached.items())]:
        steps.append(
            {
                "step": step,
                "sessions": count,
                "pct": percent(count, len(deepest)),
                "dropoff_pct": percent(before - count, before),
            }
        )
        before = count
    return {"page": page, "sessions": len(deepest), "steps": steps}


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


def page_flow(site: Site, span: Range, page: str) -> Answer:
    of_source: dict[str, Counter[str]] = defaultdict(Counter)
    following: Counter[str] = Counter()
    for session in _started(site, span):
        pages = [view.fact.page for view in session.views]
        counts = of_source[session.first_touch.source]
        for at, viewed in enumerate(pages):
            if viewed != page:
                continue
            last = at + 1 == len(pages)
            counts.update(views=1, entries=at == 0, exits=last, sessions=pages.index(page) == at)
            if not last:
                following[pages[at + 1]] += 1

    def flow(counts: Counter[str]) -> Answer:
        sums = {name: counts[name] for name in ("sessions", "views", "entries", "exits")}
        return {**sums, "exit_rate": percent(sums["exits"], sums["views"])}

    total = flow(sum(of_source.values(), Counter()))
    return {
        "page": page,
        **total,
        "next": [
            {"page": each["page"], "count": each["count"], "pct": percent(each["count"], total["views"])}
            for each in _ranked(following, "page")
        ],
        "sources": [
            {"key": source, **flow(counts)}
            for source, counts in sorted(of_source.items(), key=lambda item: (-item[1]["views"], item[0]))
            if counts["views"]
        ],
    }


def reach(site: Site, span: Range, metric: str, value: str) -> Answer:
    def hit(session: Session) -> bool:
        if metric == "page":
            return any(view.fact.page == value for view in session.views)
        return any(fact.type == value for fact in session.custom)

    def describe(sessions: list[Session]) -> Answer:
        reached = sum(map(hit, sessions))
        return {"reached": reached, "pct": percent(reached, len(sessions))}

    sessions = _started(site, span)
    reached = sum(map(hit, sessions))
    return {
        "metric": metric,
        "value": value,
        "total_sessions": len(sessions),
        "reached_sessions": reached,
        "reach_pct": percent(reached, len(sessions)),
        "sources": grouped(_touched(sessions), describe),
    }


def custom_event_types(site: Site, span: Range) -> Answer:
    counts = Counter(fact.type for session in site.sessions for fact in session.custom if fact.time in span)
    sessions = Counter(kind for session in _started(site, span) for kind in {fact.type for fact in session.custom})
    return {
        "event_types": types_list({kind: (counts[kind], sessions[kind]) for kind in counts.keys() | sessions.keys()})
    }


def types_list(found: Mapping[str, tuple[int, int]]) -> list[Answer]:
    """(events, sessions) of each type, most events first, `(other)` last."""
    named = _named({kind: count for kind, (count, _) in found.items()}, ROWS)
    shown: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for kind, (count, sessions) in found.items():
        key = kind if kind in named else OTHER
        shown[key] = (shown[key][0] + count, shown[key][1] + sessions)
    ordered = sorted(shown.items(), key=lambda item: (item[0] == OTHER, -item[1][0], item[0]))
    return [{"type": kind, "count": count, "sessions": sessions} for kind, (count, sessions) in ordered]


def custom_event_funnel(site: Site, span: Range, steps: list[str]) -> Answer:
    reached = [0] * len(steps)
    for session in _started(site, span):
        step = 0
        for fact in session.custom:
            if step < len(steps) and fact.type == steps[step]:
                reached[step] += 1
                step += 1
    first = reached[0]
    return {
        "steps": [
            {
                "type": kind,
                "sessions": count,
                "pct_of_first": percent(count, first),
                "pct_of_previous": 100.0 if index == 0 else percent(count, reached[index - 1]),
                "dropoff": 0 if index == 0 else reached[index - 1] - count,
            }
            for index, (kind, count) in enumerate(zip(steps, reached, strict=True))
        ],
        "conversion_pct": percent(reached[-1], first),
    }


def _leaves(data: Answer, prefix: str = "") -> Iterable[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def event_data_keys(site: Site, span: Range, kind: str) -> Answer:
    keys = {key for fact in site.counted if fact.type == kind and fact.time in span for key in _leaves(fact.data or {})}
    return {"type": kind, "keys": keys_list(keys)}


def keys_list(keys: set[str]) -> list[str]:
    """In order, `(other)` last."""
    named = sorted(keys - {OTHER})
    if len(keys) > ROWS:
        return [*named[: ROWS - 1], OTHER]
    return [*named, *(keys & {OTHER})]


def by_visitor(site: Site) -> dict[str, list[Session]]:
    """Sessions of each visitor, oldest first."""
    found: dict[str, list[Session]] = defaultdict(list)
    for session in sorted(site.sessions, key=lambda each: each.facts[0].order):
        found[session.facts[0].visitor].append(session)
    return found


def visitors(site: Site, site_id: str, page: int = 1) -> Answer:
    rows = []
    for visitor, sessions in by_visitor(site).items():
        touch = sessions[0].first_touch
        rows.append(
            (
                -max(session.end for session in sessions),
                f"{site_id}-{visitor}",
                {
                    "id": f"{site_id}-{visitor}",
                    "first_seen": iso(sessions[0].start),
                    "last_seen": iso(max(session.end for session in sessions)),
                    "sessions_count": len(sessions),
                    "events_count": sum(len(session.interactive) for session in sessions),
                    "country": touch.country,
                    "device": touch.device,
                    "source": touch.source,
                },
            )
        )
    rows.sort(key=lambda row: row[:2])
    chosen = [row[2] for row in rows[(page - 1) * 50 : page * 50]]
    return {"page": page, "per_page": 50, "total": len(rows), "visitors": chosen}


def visitor_sessions(site: Site, visitor: str, settings: Answer) -> list[Answer]:
    """Newest first, without the opaque session ids."""
    standing: dict[int, Decimal] = defaultdict(Decimal)
    if settings["revenue"]:
        currency = settings["revenue"]["currency"]
        for fact, session in _transactions(site, settings):
            assert fact.money
            if (fact.money.currency or currency) == currency:
                standing[id(session)] += fact.money.amount
    answers = []
    for session in reversed(by_visitor(site)[visitor]):
        touch = session.first_touch
        answers.append(
            {
                "started_at": iso(session.start),
                "ended_at": iso(session.end),
                "duration": ratio(Fraction(session.end - session.start, 1000), 1),
                "pageviews": len(session.views),
                "events_count": len(session.interactive),
                "entry_page": session.views[0].fact.page if session.views else None,
                "exit_page": session.views[-1].fact.page if session.views else None,
                "source": touch.source,
                "campaign": touch.campaign,
                "country": touch.country,
                "device": touch.device,
                "browser": touch.browser,
                "os": touch.os,
                "bucket": bucket(session, settings),
                "bounce": session.bounce,
                "revenue": float(standing[id(session)]),
            }
        )
    return answers


def session_events(session: Session) -> list[Answer]:
    """The first 1,000."""
    depths = {view.fact.id: view.depth for view in session.views}
    return [
        {
            "id": fact.id,
            "type": fact.type,
            "timestamp": iso(fact.time),
            "page": fact.page,
            "title": fact.title,
            "data": fact.data,
            "scroll": None if depths.get(fact.id) is None else float(depths[fact.id] or 0),
        }
        for fact in session.interactive[:1_000]
    ]


def totals(site: Site, now: int, zone: str = "UTC") -> Answer:
    """Counts of a site and its sparkline."""
    days = Range(now - 8 * DAY, now + 1, zone)
    by_day = Counter(days.period(session.start) for session in site.sessions)
    return {
        "visitors_count": len(by_visitor(site)),
        "sessions_count": len(site.sessions),
        "events_count": sum(len(session.interactive) for session in site.sessions),
        "sparkline": [by_day[period] for period in days.periods()[-7:]],
    }


def ledger(site: Site, start: int, end: int) -> Answer:
    """By receipt time, widened to full quarters of an hour."""
    quarter = 15 * 60_000
    start, end = start - start % quarter, end + -end % quarter
    filtered = Counter(reason for fact, reason in site.filtered if start <= fact.received < end)
    filtered.update(reason for received, reason in site.admission if start <= received < end)
    counted = sum(start <= fact.received < end for fact in site.counted)
    return {"received": counted + filtered.total(), "counted": counted, "filtered": dict(filtered)}


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
