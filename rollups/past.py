"""What visitors did in the past, read back from ClickHouse for a worker that does not remember it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rollups.client import Client
from rollups.erase import Stone
from rollups.retain import Floor, floors
from rollups.rows import TOUCH, SessionRow
from rollups.sql import statement

# What DateTime64 holds, ms: spans may reach further.
_FIRST, _LAST = -2_208_988_800_000, 10_413_791_999_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAR_MS = 7 * 24 * 3_600_000  # spans further apart than this are asked for by themselves
_ALL, _NEVER = Floor(-(2**62), -(2**62)), 2**62
_NONE = Stone("", "", -(2**62), "", 0, 0, "")
# On behalf of a worker that waits: the limits of an answer do not hold here.
_SETTINGS = {"max_execution_time": 600}


class PastEvent(NamedTuple):
    """A counted event: what sessions need of it, times in ms, the amount in ten-thousandths; `touch`: columns TOUCH."""

    time: int
    seq: int
    id: str
    type: str
    view: str
    page: str
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    settings: int
    scroll: int | None
    engaged_ms: int | None
    amount: int | None
    currency: str
    transaction: str
    touch: tuple[str, ...]


class Asked(NamedTuple):
    """A span of a visitor's history, ms, both ends inclusive. Spans of one visitor do not meet.

    `stone`: how the visitor was erased, if ever; nothing of before counts, though it may still lie there. `old`: the
    site keeps not all: only what may still change is asked for. `erases`: all sessions that are there.
    """

    site: str
    visitor: str
    begin: int
    end: int
    stone: Stone | None = None
    old: bool = False
    erases: bool = False


@dataclass
class Found:
    """What lies in a span, made longer where a session reaches over its ends; rows exactly as written."""

    site: str
    visitor: str
    begin: int
    end: int
    events: list[PastEvent] = field(default_factory=list)
    sessions: list[SessionRow] = field(default_factory=list)


def past(client: Client, asked: Sequence[Asked]) -> list[Found]:
    """All that is counted of the asked spans.

    One question each for sessions and events, unless the spans lie weeks apart. Blocks; raises ClickHouseUnavailable.
    """
    found: list[Found] = []
    floors_ = floors(client, [one[:2] for one in asked if one.old])
    for near in _near(asked):
        by_visitor: dict[tuple[str, str], list[Found]] = {}
        for one in near:
            by_visitor.setdefault(one[:2], []).append(Found(*one[:4]))
        for session in map(_session, _rows(client, "past_sessions", near, floors_)):
            for place in by_visitor[session.site, session.visitor]:
                if session.start <= place.end and place.begin <= session.end and session not in place.sessions:
                    place.sessions.append(session)
                    place.begin, place.end = min(place.begin, session.start), max(place.end, session.end)
        by_visitor = {name: _merged(places) for name, places in by_visitor.items()}
        places = [place for held in by_visitor.values() for place in held]
        of = {one[:2]: one for one in near}
        reaching = [of[each.site, each.visitor]._replace(begin=each.begin, end=each.end) for each in places]
        for row in _rows(client, "past_events", reaching, floors_):
            site, visitor, *fields = row.values()
            event = PastEvent._make((*fields[: -len(TOUCH)], tuple(fields[-len(TOUCH) :])))
            next(one for one in by_visitor[site, visitor] if one.begin <= event.time <= one.end).events.append(event)
        found += places
    return found


def _merged(places: list[Found]) -> list[Found]:
    """A visitor's spans, one of those that a long session made meet."""
    merged: list[Found] = []
    for place in sorted(places, key=lambda each: each.begin):
        if merged and place.begin <= merged[-1].end:
            merged[-1].end = max(merged[-1].end, place.end)
            merged[-1].sessions += [session for session in place.sessions if session not in merged[-1].sessions]
        else:
            merged.append(place)
    return merged


def newest(client: Client) -> int:
    """The time of the newest event of all, ms; 0 if there is none. Blocks; raises ClickHouseUnavailable."""
    return int(client.rows(statement("newest_event"))[0]["newest"])


def _near(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Spans that lie close together: history beside today would else be one span of years."""
    group: list[Asked] = []
    end = 0
    for each in sorted(asked, key=lambda one: one.begin):
        if group and each.begin > end + _NEAR_MS:
            yield group
            group = []
        end = max(end, each.end) if group else each.end
        group.append(each)
    if group:
        yield group


def _rows(
    client: Client, name: str, asked: Sequence[Asked], floors_: Mapping[tuple[str, str], Floor]
) -> list[dict[str, Any]]:
    sites, visitors, begins, ends, *_ = zip(*asked, strict=True)
    bounds = [floors_.get(one[:2], _ALL) for one in asked]
    stones = [one.stone or _NONE for one in asked]
    params = {
        "sites": list(sites),
        "visitors": list(visitors),
        "begins": list(begins),
        "ends": list(ends),
        "untils": [stone.until for stone in stones],
        "logs": [stone.log for stone in stones],
        "partitions": [stone.partition for stone in stones],
        "offsets": [stone.offset for stone in stones],
        "floors": [bound.live for bound in bounds],
        "spared": [bound.sessions if one.erases else _NEVER for one, bound in zip(asked, bounds, strict=True)],
        "from": _time(min(begins)),
        "to": _time(max(ends)),
    }
    return client.rows(statement(name), params, _SETTINGS)


def _time(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(max(ms, _FIRST), _LAST))


def _session(row: dict[str, Any]) -> SessionRow:
    return SessionRow._make(tuple(value) if isinstance(value, list) else value for value in row.values())
