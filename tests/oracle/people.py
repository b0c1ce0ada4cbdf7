"""What the model answers of visitors, their sessions and their events, and of a site's sums."""

from collections import Counter, defaultdict
from decimal import Decimal

from tests.oracle.answers import Answer, _transactions
from tests.oracle.bucket import bucket
from tests.oracle.fact import DAY, Session
from tests.oracle.sessions import Site
from tests.oracle.span import Range, iso


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
                "duration": float(Decimal(session.end - session.start) / 1000),
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
