"""Kept answers: they cost no query while nothing changed, and whatever changes one makes another of it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from api import kept, serve, standing
from api.app import Api
from api.endpoint import Endpoint
from api.endpoints import ENDPOINTS
from api.kept import Kept, Named
from api.registry.change import change_site, create_site, delete_site
from ingest.contract import freshness
from ingest.contract.revision import KEYS, Revisions
from ingest.contract.site import Revenue
from rollups import control
from rollups.client import Client, connect
from rollups.control import CLEARED, CLOSED, DRAINING
from rollups.write import Writer
from tests.api.answer.made import event, session
from tests.api.conftest import NOON, Served, in_process
from tests.api.test_serving import GOOD

pytestmark = pytest.mark.services

OF_DATA = [each for each in ENDPOINTS if each.of_data]
HOUR, DAY = 3_600_000, 86_400_000
VISITOR, SESSION = "0123456789abcdef", "f" * 16
FIXED = {"from": "2025-06-01", "to": "2025-06-20"}
OPEN = {"from": "2025-06-12"}


class Site:
    """A new site of Anna behind an API of its own whose statements are counted; batches come as from a worker."""

    def __init__(self, served: Served, client: Client, statements: list[str]) -> None:
        self.served, self.client, self.statements = served, client, statements
        self.api = Api(client, served.redis, served.clock)
        self.http = in_process(served.http.portal, self.api)
        self.id, self.clock, self.batches = served.anna.site.id, served.clock, 0
        self.revisions = Revisions(served.redis, served.clock)

    def look(self) -> None:
        """What happens every second."""
        self.http.portal.call(self.api.refresh)

    def count(self, site: str = "", at: int = NOON - HOUR) -> None:
        """One more session."""
        with self.revisions.changing("log/0", {site or self.id}):
            self.insert(site, at)

    def insert(self, site: str = "", at: int = NOON - HOUR) -> None:
        self.batches += 1
        number = self.batches
        writer, token, owner = Writer(self.served.client), f"kept/{self.id}/{number}", site or self.id
        row = session(VISITOR, at + number, site=owner, session=f"{SESSION[:-1]}{number:x}")
        writer.insert_events(token, [event(VISITOR, "pageview", at + number, site=owner)])
        writer.insert_sessions(token, [row._replace(version=number)])
        writer.mark(f"kept/{self.id}", 0, number, number + 1, 0, {})

    def ask(self, path: str, params: Any = None, **headers: str) -> tuple[httpx.Response, int]:
        """The answer, and how many statements it cost."""
        before = len(self.statements)
        answer = self.http.get(f"/api{path}", params=params, headers={**self.served.anna.headers, **headers})
        assert answer.status_code in (200, 304), answer.text
        return answer, len(self.statements) - before

    def dashboard(self, params: Any = None, **headers: str) -> tuple[httpx.Response, int]:
        return self.ask(f"/sites/{self.id}/analytics/dashboard", params or FIXED, **headers)

    def is_kept(self, path: str, params: Any = None) -> bool:
        return self.ask(path, params)[1] == 0


@pytest.fixture
def site(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(standing, "SECONDS", 1e9)  # until `look`
    monkeypatch.setattr(kept, "KEPT_MS", 10**15)
    monkeypatch.setattr(serve, "SILENT_SECONDS", 1e9)
    statements: list[str] = []
    with closing(connect(served.client.url)) as client:
        rows = client.rows

        def counted(sql: str, *more: Any) -> list[dict[str, Any]]:
            statements.append(sql)
            return rows(sql, *more)

        monkeypatch.setattr(client, "rows", counted)
        made = Site(with_new_site(served), client, statements)
        served.redis.delete(*KEYS)
        served.clock.now = NOON - HOUR
        made.count(at=NOON - 2 * HOUR)
        served.clock.now = NOON
        made.look()
        made.dashboard()  # from now on it looks every second
        made.look()
        yield made
        served.http.portal.call(made.http.client.aclose)
        served.http.portal.call(made.api.close)


_numbers = count(1)


def with_new_site(served: Served) -> Served:
    account, number = served.anna.account.id, next(_numbers)
    new = create_site(served.registry, account, "Kept", f"kept{number}.example")
    revenue = Revenue(currency="EUR")
    new = change_site(
        served.registry, account, new.id, settings=lambda held: held.model_copy(update={"revenue": revenue})
    )
    return replace(served, anna=replace(served.anna, site=new))


def path_of(endpoint: Endpoint, site: Site) -> str:
    path = endpoint.path.format(site_id=site.id, visitor_id=f"{site.id}-{VISITOR}", session_id=f"{SESSION[:-1]}1")
    return path + GOOD.get(endpoint.name, "")


@pytest.mark.parametrize("endpoint", OF_DATA, ids=lambda each: each.name)
def test_the_same_question_is_asked_again_only_after_a_batch_of_its_site(site: Site, endpoint: Endpoint) -> None:
    path = path_of(endpoint, site)
    first, cost = site.ask(path)
    assert cost > 0
    again, cost = site.ask(path)
    assert (again.content, again.headers, cost) == (first.content, first.headers, 0)
    site.count(site.served.bert.site.id)
    again, cost = site.ask(path)
    assert (again.content, cost) == (first.content, 0), "the batch was another site's"
    held, cost = site.ask(path, **{"If-None-Match": first.headers["etag"]})
    assert (held.status_code, held.content, cost) == (304, b"", 0)
    site.count()
    later, cost = site.ask(path, **{"If-None-Match": first.headers["etag"]})
    assert (later.status_code, later.headers["etag"] != first.headers["etag"], cost > 0) == (200, True, True)


def test_other_parameters_are_other_questions_and_other_spellings_are_not(site: Site) -> None:
    path = f"/sites/{site.id}/analytics/friction"
    one, _ = site.ask(path, FIXED)
    assert site.is_kept(path, {"from": "2025-06-01T00:00:00Z", "to": "2025-06-21T00:00", "nonsense": "1"})
    for other in ({**FIXED, "tz": "Asia/Tokyo"}, {**FIXED, "to": "2025-06-21"}, OPEN, {}):
        answer, cost = site.ask(path, other)
        assert cost > 0 and answer.headers["etag"] != one.headers["etag"], other
    reach = f"/sites/{site.id}/analytics/reach"
    site.ask(reach, {"metric": "page", "value": "/a"})
    assert not site.is_kept(reach, {"metric": "page", "value": "/b"})
    assert site.is_kept(reach, {"metric": "page", "value": "/a/"})


def test_while_a_batch_is_under_way_nothing_is_kept_and_nothing_older_is_shown(site: Site) -> None:
    first, _ = site.dashboard()
    with site.revisions.changing("log/0", {site.id}):
        before, cost = site.dashboard()
        assert cost > 0
        site.insert()
        shown, cost = site.dashboard()
        assert cost > 0 and shown.json()["total_sessions"] == first.json()["total_sessions"] + 1
    after, cost = site.dashboard()
    assert cost > 0 and after.json()["total_sessions"] == shown.json()["total_sessions"]
    assert len({each.headers["etag"] for each in (first, before, after)}) == 3
    assert site.dashboard()[1] == 0


def test_an_answer_that_was_begun_before_a_batch_is_not_kept_for_after_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/sites/{site.id}/analytics/friction"
    rows = site.client.rows

    def late(sql: str, *more: Any) -> Any:
        found = rows(sql, *more)
        if "friction" in sql:
            site.count()
        return found

    monkeypatch.setattr(site.client, "rows", late)
    site.ask(path, FIXED)
    monkeypatch.setattr(site.client, "rows", rows)
    answer, cost = site.ask(path, FIXED)
    assert cost > 0 and sum(source["total"] for source in answer.json()["sources"]) == 2


def test_a_worker_that_died_within_a_batch_leaves_nothing_kept(site: Site) -> None:
    site.dashboard()
    with pytest.raises(KeyboardInterrupt), site.revisions.changing("log/0", {site.id}):
        site.insert()
        raise KeyboardInterrupt
    assert [site.dashboard()[1] > 0 for _ in range(2)] == [True, True]
    site.revisions.left("log/0")()  # its partition is taken
    assert [site.dashboard()[1] > 0 for _ in range(2)] == [True, False]


def test_maintenance_and_another_life_of_clickhouse_change_every_answer(site: Site) -> None:
    client, epoch = site.served.client, 0

    def say(phase: str) -> None:
        nonlocal epoch
        epoch = client.rows("SELECT max(epoch) + 1 AS next FROM control")[0]["next"] if phase == DRAINING else epoch
        client.insert(
            "control", ("epoch", "nonce", "phase"), ("UInt64", "String", "String"), [[epoch], ["x"], [phase]], {}
        )
        site.look()

    tags = {site.dashboard()[0].headers["etag"]}
    for phase in (DRAINING, CLOSED):
        say(phase)
        assert [site.dashboard()[1] > 0 for _ in range(2)] == [True, True], phase
    say(CLEARED)
    tags.add(site.dashboard()[0].headers["etag"])
    assert site.dashboard()[1] == 0
    client.command("TRUNCATE TABLE life")
    site.look()
    tags.add(site.dashboard()[0].headers["etag"])
    assert len(tags) == 3 and site.dashboard()[1] == 0


def test_what_nobody_looked_at_for_a_while_is_looked_at_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.dashboard()
    monkeypatch.setattr(standing, "SECONDS", -1.0)
    assert site.dashboard()[1] > 0
    monkeypatch.setattr(standing, "SECONDS", 1e9)
    assert site.dashboard()[1] == 0


def test_settings_change_the_answers_of_their_own_site(site: Site) -> None:
    served = site.served
    path = f"/sites/{site.id}/analytics/friction"
    site.ask(path, FIXED)
    change_site(served.registry, served.bert.account.id, served.bert.site.id, name="B")
    site.look()
    assert site.is_kept(path, FIXED)
    friction = served.anna.site.settings.friction.model_copy(update={"bouncer_seconds": 3})
    change_site(
        served.registry,
        served.anna.account.id,
        site.id,
        settings=lambda held: held.model_copy(update={"friction": friction}),
    )
    site.look()
    answer, _ = site.ask(path, FIXED)
    assert answer.json()["thresholds"]["bouncer_seconds"] == 3
    delete_site(served.registry, served.anna.account.id, site.id)
    site.look()
    assert site.http.get(f"/api{path}", params=FIXED, headers=served.anna.headers).status_code == 403


def test_a_kept_answer_says_how_fresh_it_is_now(site: Site) -> None:
    redis, place = site.served.redis, ("kept", 1, 0)
    redis.delete(freshness.KEY)
    assert site.dashboard()[0].json()["fresh_as_of"] is None
    for at, shown in ((NOON, "2025-06-15T12:00:00.000Z"), (NOON + 1_000, "2025-06-15T12:00:01.000Z")):
        freshness.publish(redis, *place, at, NOON + DAY)
        answer, cost = site.dashboard()
        assert (answer.json()["fresh_as_of"], cost) == (shown, 0)
    redis.delete(freshness.KEY)


def test_an_end_that_is_now_makes_another_question_only_where_it_shows(site: Site) -> None:
    dashboard, friction, ledger = (
        f"/sites/{site.id}/{name}" for name in ("analytics/dashboard", "analytics/friction", "ledger")
    )
    for path in (dashboard, friction, ledger):
        site.ask(path, OPEN)
    site.clock.now += 14 * 60_000 + 59_000
    answer, cost = site.ask(dashboard, OPEN)
    assert (answer.json()["to"], cost) == ("2025-06-15T12:14:59.000Z", 0)
    assert site.is_kept(friction, OPEN)
    assert not site.is_kept(ledger, OPEN), "its range is widened to the quarter that has begun"
    site.clock.now += 1_000
    assert site.is_kept(ledger, OPEN)
    site.clock.now = NOON + 12 * HOUR
    assert site.is_kept(dashboard, OPEN), "the day ends now"
    site.clock.now += 1
    answer, cost = site.ask(dashboard, OPEN)
    assert cost > 0 and len(answer.json()["sessions_over_time"]) == 5
    assert site.is_kept(friction, OPEN)
    fresh, _ = site.dashboard({**OPEN, "to": "2025-06-16T00:00:00.001Z"})
    assert answer.json() == fresh.json()


def test_hours_and_their_end(site: Site) -> None:
    path, params = f"/sites/{site.id}/analytics/dashboard", {"from": "2025-06-15T10:00", "tz": "Asia/Kathmandu"}
    site.ask(path, params)  # 12:00 is 17:45 there
    site.clock.now += 15 * 60_000
    assert site.is_kept(path, params)
    site.clock.now += 1
    assert not site.is_kept(path, params)
    site.ask(path, {"from": "2025-06-13T13:00"})
    site.clock.now = NOON + HOUR + 1
    answer, cost = site.ask(path, {"from": "2025-06-13T13:00"})
    assert cost > 0 and answer.json()["granularity"] == "day"


def test_a_range_that_moves_as_a_whole_is_asked_once_a_minute(site: Site) -> None:
    for path in (f"/sites/{site.id}/analytics/dashboard", f"/sites/{site.id}/analytics/friction"):
        site.clock.now = NOON
        first, _ = site.ask(path)
        site.clock.now += 59_999
        again, cost = site.ask(path)
        assert (again.content, cost) == (first.content, 0)
        site.clock.now += 1
        assert not site.is_kept(path)


def test_what_is_widened_is_another_question_than_whole_days_and_ends_where_the_answer_does(site: Site) -> None:
    path = f"/sites/{site.id}/analytics/dashboard"
    sql = f"INSERT INTO retained VALUES ('{site.id}', 'p', '2025-05-01', '2025-05-01', 'done', now64(3))"  # noqa: S608
    with control.claim(site.client):
        site.client.command(sql)
    site.look()
    asked = [{"from": "2025-04-03T10:00"}, {"from": "2025-04-03"}]
    first = [site.ask(path, params)[0] for params in asked]
    assert ["widened" in answer.json() for answer in first] == [True, False]
    assert first[0].headers["etag"] != first[1].headers["etag"]
    site.clock.now += HOUR
    site.look()
    for params in asked:
        answer, cost = site.ask(path, params)
        assert cost == 0 and ("widened" in answer.json()) == ("T" in params["from"])
    moved = site.ask(path, asked[0])[0].json()
    assert moved["to"] == moved["widened"]["to"] != first[0].json()["to"]


def test_right_after_a_batch_an_end_that_is_now_may_still_hide_an_event(site: Site) -> None:
    path = f"/sites/{site.id}/analytics/dashboard"
    site.clock.now = NOON
    site.count(at=NOON + 500)  # of a machine whose clock is ahead
    assert site.ask(path, OPEN)[0].json()["total_sessions"] == 1
    site.clock.now += 1_000
    assert site.ask(path, OPEN)[0].json()["total_sessions"] == 2
    site.clock.now += kept.SKEW_MS
    site.ask(path, OPEN)
    assert site.is_kept(path, OPEN)


def test_a_new_day_changes_the_list_of_sites(site: Site) -> None:
    site.ask("/sites")
    site.clock.now = NOON + 12 * HOUR - 1
    assert site.is_kept("/sites")
    site.clock.now += 1
    answer, cost = site.ask("/sites")
    (shown,) = [each for each in answer.json() if each["id"] == site.id]
    assert cost > 0 and shown["sparkline"][-2:] == [1, 0]


def test_no_answer_outlives_five_minutes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_MS", 300_000)
    first, _ = site.dashboard()
    site.clock.now += 300_000
    again, cost = site.dashboard(**{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, cost > 0) == (200, True)


def test_a_redis_that_forgot_everything_is_not_believed_at_once(site: Site) -> None:
    site.dashboard()
    site.served.redis.delete(*KEYS)
    assert [site.dashboard()[1] > 0 for _ in range(2)] == [True, True]


def test_without_redis_every_question_is_asked_and_named_by_a_query(site: Site) -> None:
    served = site.served
    with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as away:
        api = Api(site.client, away, served.clock)
        http = in_process(served.http.portal, api)
        served.http.portal.call(api.refresh)
        path = f"/api/sites/{site.id}/analytics/dashboard"
        answers = [http.get(path, params=FIXED, headers=served.anna.headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200]
        tags = [each.headers["etag"] for each in answers]
        assert tags[0] == tags[1]
        site.count()
        assert http.get(path, params=FIXED, headers=served.anna.headers).headers["etag"] != tags[0]
        served.http.portal.call(http.client.aclose)
        served.http.portal.call(api.close)


def test_memory_is_bounded_and_the_longest_unused_go() -> None:
    held = Kept(100_000)

    def name(question: int, tag: str = "a") -> Named:
        return Named(f"{question}", tag, True, None)

    for number in range(50):
        held.put(name(number), b"x" * 5_000)
        assert held.get(name(0)) is not None
    assert held.bytes <= 100_000
    assert [number for number in range(50) if held.get(name(number))] == [0, *range(33, 50)]
    for tag in "bcdefgh":
        held.put(name(0, tag), b"y" * 12_000)
    assert held.get(name(0)) is None and held.get(name(0, "h")) == b"y" * 12_000
    assert held.bytes <= 100_000
    held.put(name(99), b"z" * 50_000)
    assert held.get(name(99)) is None, "one answer does not drive all others out"
    held.put(Named("98", "a", False, None), b"x")
    assert held.get(name(98)) is None
