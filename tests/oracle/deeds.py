"""What the model answers of what was done: how far, one after the other, how often, with which data."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tests.oracle.answers import OTHER, ROWS, Answer, _named, _ranked, _reached, _started, _touched, grouped
from tests.oracle.fact import Session
from tests.oracle.number import percent
from tests.oracle.sessions import Site
from tests.oracle.span import Range


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
