"""What a site keeps no longer: rollups answer as before, what needs its rows says from when on it can be asked."""
# ruff: noqa: S608 - SQL of names made here

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.endpoints import ENDPOINTS
from api.parameter import Filtered, Range
from api.problem import Problem
from api.retained import NOTHING, Cut, within
from api.span import Span, ms
from rollups import control
from rollups.write import Writer
from tests.api.answer.made import at, event, paying, viewing
from tests.api.conftest import Served
from tests.api.test_serving import GOOD, url

ZONE = ZoneInfo("UTC")
GONE = at("2025-03-01T00:00Z")
RANGED = [each for each in ENDPOINTS if issubclass(each.types.parameters, Range) and each.of_data]
OF_ROWS = {
    "over-time",
    "breakdown",
    "goals",
    "page-flow",
    "custom-event-funnel",
    "friction-preview",
    "event-data-values",
}
DAYS = {"from": "2025-02-01", "to": "2025-03-10"}


def of(begin: str, end: str, zone: ZoneInfo = ZONE) -> Span:
    return Span(ms(datetime.fromisoformat(begin).replace(tzinfo=UTC)), at(end + "Z"), zone)


@pytest.mark.parametrize(
    ("begin", "end", "answered"),
    [
        ("2025-02-03T00:00", "2025-02-05T00:00", ("2025-02-03T00:00", "2025-02-05T00:00")),
        ("2025-02-03T10:20", "2025-02-03T10:21", ("2025-02-03T00:00", "2025-02-04T00:00")),
        ("2025-02-03T10:20", "2025-03-03T10:21", ("2025-02-03T00:00", "2025-03-03T10:21")),
        ("2025-02-28T23:59:59.999", "2025-03-01T00:00", ("2025-02-28T00:00", "2025-03-01T00:00")),
        ("2025-03-01T00:00:00.001", "2025-03-01T00:00:00.002", ("2025-03-01T00:00:00.001", "2025-03-01T00:00:00.002")),
        ("1900-01-01T00:00", "2025-03-03T10:21", ("1900-01-01T00:00", "2025-03-03T10:21")),
    ],
)
def test_a_plain_range_is_widened_to_whole_days_where_rows_are_gone(begin: str, end: str, answered: Any) -> None:
    span = of(begin, end)
    assert within(span, "session ends", Cut(GONE, GONE), filtered=False) == of(*answered)
    assert within(span, None, Cut(GONE, GONE), filtered=True) == span
    assert within(span, "sessions", NOTHING, filtered=True) == span


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2025-03-01"), ("Asia/Kathmandu", "2025-03-02"), ("America/New_York", "2025-03-01")]
)
@pytest.mark.parametrize(("reads", "filtered"), [("sessions", False), ("events", False), ("session ends", True)])
def test_the_first_day_is_named_that_can_be_asked(zone: str, day: str, reads: Any, filtered: bool) -> None:
    there = ZoneInfo(zone)
    with pytest.raises(Problem) as refused:
        within(of("2025-02-28T23:59", "2025-03-05T00:00", there), reads, Cut(GONE, GONE), filtered=filtered)
    detail = refused.value.detail
    assert (refused.value.status, detail.code, detail.param, detail.retained_until) == (
        400,
        "retained_until",
        "from",
        day,
    )
    assert day in detail.message
    first = ms(datetime.fromisoformat(day).replace(tzinfo=there))
    assert within(Span(first, first + 1, there), reads, Cut(GONE, GONE), filtered=filtered).start == first
    with pytest.raises(Problem):
        within(Span(first - 86_400_000, first + 1, there), reads, Cut(GONE, GONE), filtered=filtered)


def test_events_go_before_sessions_do() -> None:
    cut, february = Cut(GONE, at("2025-02-01T00:00Z")), of("2025-02-03T10:20", "2025-02-03T10:21")
    assert within(february, "sessions", cut, filtered=True) == february
    assert within(february, "event ends", cut, filtered=False) == of("2025-02-03T00:00", "2025-02-04T00:00")
    with pytest.raises(Problem, match="raw events"):
        within(february, "events", cut, filtered=False)


def fill(served: Served, site: str) -> None:
    """Sessions on both sides, one over the edge, with purchases and data."""
    times = [at(f"{day}Z") for day in ("2025-02-10T12:00", "2025-02-28T23:50", "2025-03-05T07:00", "2025-06-10T09:00")]
    rows = [
        viewing(f"{n % 3:016x}", [("/", time, 5000), ("/a", time + 1_200_000, -1)], site=site, session=f"{n:016x}")
        for n, time in enumerate(times)
    ]
    paid = at("2025-02-11T12:00Z")
    rows.append(paying("f" * 16, paid, [("o-1", paid, 199_000, "EUR")], site=site, session="f" * 16))
    keys: dict[str, Any] = {"data": '{"k":1}', "keys": ("k",), "site": site}
    events = [event(row.visitor, "a" if n else "pageview", row.start, **keys) for n, row in enumerate(rows)]
    writer, token = Writer(served.client), f"retained/{site}"
    writer.insert_events(token, events)
    writer.insert_sessions(token, rows)
    writer.mark(token, 0, 1, 2, 0, {})


def lose(served: Served, site: str, sessions: str = "2025-03-01") -> None:
    """What a removal leaves; `sessions`: up to when they go, events go up to March."""
    with control.claim(served.client):
        served.client.command(
            f"INSERT INTO retained VALUES ('{site}', 'p', '2025-03-01', '{sessions}', 'done', now64(3))"
        )
    for gone in (f"sessions DELETE WHERE end < '{sessions}'", "events DELETE WHERE time < '2025-03-01'"):
        served.client.command(f"ALTER TABLE {gone} AND site = '{site}'", {}, {"mutations_sync": 2})
    served.learn()


@pytest.mark.services
def test_every_endpoint_where_rows_are_gone(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site.id
    fill(served, site)

    def ask(endpoint: Any, **params: str) -> tuple[int, Any]:
        extra = GOOD.get(endpoint.name, "")
        answer = served.get(url(endpoint.path, site) + (extra or "?") + "".join(f"&{k}={v}" for k, v in params.items()))
        return answer.status_code, answer.json()

    def told(answer: tuple[int, Any]) -> Any:
        return json.loads(json.dumps(answer[1]), object_hook=lambda found: {**found, "fresh_as_of": None})

    before = {each.name: ask(each, **DAYS) for each in RANGED}
    after_cut = {each.name: ask(each, **{"from": "2025-03-01", "to": "2025-03-10"}) for each in RANGED}
    assert {status for status, _ in (*before.values(), *after_cut.values())} == {200}
    lose(served, site)
    for each in RANGED:
        assert ask(each, **{"from": "2025-03-01", "to": "2025-03-10"}) == after_cut[each.name]
        status, found = ask(each, **DAYS)
        if each.name in OF_ROWS:
            assert (status, found["error"]["code"], found["error"]["retained_until"]) == (
                400,
                "retained_until",
                "2025-03-01",
            )
            continue
        expected = told(before[each.name])
        if each.name == "dashboard":
            expected["visitors"] = None
            assert expected["total_sessions"] == 4
        assert (status, told((status, found))) == (200, expected)
        assert "widened" not in found
        status, wide = ask(each, **{"from": "2025-02-01T10:00", "to": "2025-03-11T00:00"})
        assert status == 200
        if each.name == "ledger":
            assert wide["from"] == "2025-02-01T10:00:00.000Z"
        else:
            said = {"from": "2025-02-01T00:00:00.000Z", "to": "2025-03-11T00:00:00.000Z"}
            assert told((status, {**wide, "widened": None})) == {**expected, "widened": None}
            assert wide["widened"] == said
        if issubclass(each.types.parameters, Filtered):
            status, found = ask(each, **DAYS, filter="source==direct")
            assert (status, found["error"]["code"]) == (400, "retained_until")
    hidden = served.send("PATCH", f"/api/sites/{site}", {"settings": {"hide": ["country==FR"]}})
    assert hidden.status_code == 200
    assert served.get(f"/api/sites/{site}/analytics/friction", DAYS).json()["error"]["code"] == "retained_until"
    months = served.get(f"/api/sites/{site}/retention").json()
    assert (months["sessions_since"], months["events_since"]) == ("2025-03-01T00:00:00.000Z",) * 2
    told_of = [(each["month"], each["events"], each["sessions"]) for each in months["months"]]
    assert told_of == [("2025-02", 0, 1), ("2025-03", 1, 1), ("2025-06", 1, 1)]  # one reaches over
    assert all(each["sessions_bytes"] > 0 for each in months["months"])
    fresh = served.get(f"/api/sites/{site}/freshness").json()
    assert (fresh["sessions_since"], fresh["events_since"]) == ("2025-03-01T00:00:00.000Z",) * 2
    assert fresh["since"] == "2025-02-10T12:00:00.000Z"


@pytest.mark.services
def test_a_visitor_all_of_whose_sessions_are_gone_is_not_unknown(served: Served) -> None:
    """The list of visitors has it: counts and first and last seen are of all time."""
    served = served.with_new_tenants()
    site = served.anna.site.id
    fill(served, site)
    listed = {each["id"] for each in served.get(f"/api/sites/{site}/visitors").json()["visitors"]}
    lose(served, site)
    assert {each["id"] for each in served.get(f"/api/sites/{site}/visitors").json()["visitors"]} == listed
    refused = served.get(f"/api/visitors/{max(listed)}/sessions")
    assert (refused.status_code, refused.json()["error"]["retained_until"]) == (400, "2025-03-01")
    assert served.get(f"/api/visitors/{site}-{2**60:016x}/sessions").status_code == 404


@pytest.mark.services
def test_a_session_whose_events_are_gone_says_so(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site.id
    fill(served, site)
    lose(served, site, sessions="1970-01-01")
    sessions = f"/api/visitors/{site}-{0:016x}/sessions"
    assert len(served.get(sessions).json()["sessions"]) == 2
    refused = served.get(f"{sessions}/{0:016x}/events")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "retained_until")
    assert served.get(f"{sessions}/{3:016x}/events").status_code == 200
    answer = served.get(f"/api/sites/{site}/analytics/breakdown", {"dimension": "source", **DAYS})
    assert answer.status_code == 200
