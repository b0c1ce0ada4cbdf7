"""The tracking endpoint: its answers, to the letter, and what attacks it withstands."""

import asyncio
import gzip
import json
import logging
import re
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.body import Refused, read_body
from ingest.contract.batch import MAX_BODY
from ingest.limit import Rate
from ingest.log.protocol import LogUnavailable
from ingest.pixel import GIF, read_query
from tests.ingest.fake import ADDRESS, TRACKING_ID, UNAVAILABLE, FakeRedis, Stand, a_site, an_event

OTHER_ID = "site_bbbbbbbbbbbbbbbb"
PIXEL = f"/e.gif?site={TRACKING_ID}&url=https%3A%2F%2Fexample.com%2Fa"


def problems(response: Any) -> list[tuple[int, str]]:
    return [(problem["index"], problem["field"]) for problem in response.json()["errors"]]


def test_one_event_is_accepted() -> None:
    with Stand() as stand:
        response = stand.post(an_event(id="e1"))
        assert (response.status_code, response.json()) == (202, {"accepted": 1, "filtered": {}, "errors": []})
        assert [event.id for event in stand.producer.events] == ["e1"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""]
)
def test_any_content_type_is_read_as_json(content_type: str) -> None:
    """sendBeacon says text/plain, a plain `curl -d` a form."""
    with Stand() as stand:
        headers = {"content_type": content_type} if content_type else {}
        assert stand.post(json.dumps(an_event()).encode(), **headers).status_code == 202


def test_a_batch_tells_accepted_filtered_and_wrong_events_apart() -> None:
    with Stand() as stand:
        response = stand.post(
            [
                an_event(),
                an_event(url="https://evil.test/"),
                an_event(at=0, sent_at=86_400_001),
                an_event(url=5),
                an_event(site="site_unknown"),
                an_event(url="https://evil.test/"),
            ]
        )
        assert response.status_code == 202
        assert response.json() == {
            "accepted": 1,
            "filtered": {"host": 2, "late": 1},
            "errors": [
                {"index": 3, "field": "url", "message": "must be a string"},
                {"index": 4, "field": "site", "message": "unknown tracking id"},
            ],
        }
        assert len(stand.producer.events) == 1
        assert sorted(stand.producer.reasons) == ["host", "host", "late"]


def test_an_event_that_admission_filters_is_answered_with_202_and_logged() -> None:
    """S17: counted."""
    with Stand() as stand:
        response = stand.post(an_event(url="https://evil.test/"))
        assert (response.status_code, response.json()["filtered"]) == (202, {"host": 1})
        assert stand.producer.reasons == ["host"]


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b"null", b'{"site":', b"[" * 100_000, b"\xff" * 100, b'{"a":' * 30_000]
)
def test_a_body_without_a_usable_event_is_400_with_the_same_shape(body: bytes) -> None:
    """S8: whatever breaks parsers is 400, never 500."""
    with Stand() as stand:
        response = stand.post(body)
        assert response.status_code == 400
        assert set(response.json()) == {"accepted", "filtered", "errors"}
        assert response.json()["accepted"] == 0
        assert problems(response) == [(0, "")]
        assert stand.producer.records == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ue0site', max_size=60).map(str.encode))
def test_no_body_is_a_500(body: bytes, shared_stand: Stand) -> None:
    """S8: fuzzing."""
    assert shared_stand.post(body).status_code in (400, 404)


@pytest.fixture(scope="module", name="shared_stand")
def _shared_stand() -> Any:
    with Stand(address_rate=Rate(0, 0)) as stand:
        yield stand


def test_unknown_tracking_ids_only_are_404() -> None:
    with Stand() as stand:
        response = stand.post([an_event(site="site_x"), an_event(site="site_y")])
        assert response.status_code == 404
        assert problems(response) == [(0, "site"), (1, "site")]


def test_an_unknown_id_beside_a_wrong_event_is_400() -> None:
    with Stand() as stand:
        assert stand.post([an_event(site="site_x"), an_event(url=5)]).status_code == 400


def test_a_deleted_site_is_404() -> None:
    with Stand(a_site(deleted=True)) as stand:
        assert stand.post(an_event()).status_code == 404


def test_a_site_made_a_moment_ago_is_found_at_once() -> None:
    with Stand() as stand:
        stand.redis.publish(a_site(), a_site("blog01", OTHER_ID, domain="blog.test"), version=2)
        assert stand.post(an_event(site=OTHER_ID, url="https://blog.test/")).status_code == 202


def test_known_sites_need_no_redis_and_unknown_ones_are_503_without_it() -> None:
    """Redis down does not touch ingest while it runs; a 404 would make a sender give up."""
    with Stand() as stand:
        stand.redis.away = True
        assert stand.post(an_event()).status_code == 202
        assert stand.post(an_event(visitor=None)).status_code == 202
        response = stand.post(an_event(site=OTHER_ID))
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1


def test_a_log_that_cannot_take_it_is_503_with_retry_after() -> None:
    """R4."""
    with Stand() as stand:
        stand.producer.broken = UNAVAILABLE
        response = stand.post(an_event(id="e1"))
        assert response.status_code == 503
        assert response.headers["retry-after"] == "3"
        assert response.json()["accepted"] == 0
        stand.producer.broken = None
        assert stand.post(an_event(id="e1")).status_code == 202
        assert [event.id for event in stand.producer.events] == ["e1"]


@pytest.mark.parametrize(
    "error",
    [
        LogUnavailable("Redis: Error 111 connecting to 10.0.0.3:6379. Connection refused."),
        LogUnavailable("Kafka: KafkaConnectionError: kafka-1.internal:9093 sasl secret"),
        RuntimeError("10.0.0.3:6379 secret"),
    ],
    ids=["Redis", "Kafka", "bug"],
)
def test_strangers_are_told_no_address_of_a_store(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with Stand() as stand:
        stand.producer.broken = error
        answers = [stand.post(an_event()) for _ in range(3)]
        told = " ".join(answer.text for answer in answers) + str(stand.run(stand.ingest.health()))
        assert [answer.status_code for answer in answers] == [503] * 3
        assert not re.search(r"10\.0|:\d{3}|internal|secret|111", told)
        assert stand.run(stand.ingest.health())["event log"].startswith("takes no events")
    assert str(error) in caplog.text
    assert caplog.text.count("does not take events") == 1


def test_strangers_are_told_no_address_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand()
    stand.producer.broken = LogUnavailable("Redis: Error 111 connecting to 10.0.0.3:6379. Connection refused.")
    stand.redis.away = True
    with stand:
        told = stand.post(an_event()).text + str(stand.run(stand.ingest.health()))
    assert "10.0" not in told and "10.0.0.3:6379" in caplog.text


def test_a_log_that_is_away_at_the_start_is_found_later() -> None:
    """R4: starts without the log, says 503, connects as soon as it is there."""
    stand = Stand()
    stand.producer.broken = UNAVAILABLE
    with stand:
        assert stand.post(an_event()).status_code == 503
        assert stand.run(stand.ingest.health())["event log"] == "not connected"
        stand.producer.broken = None
        for _ in range(40):
            stand.run(asyncio.sleep(0.05))
            if stand.producer.started:
                break
        assert stand.post(an_event()).status_code == 202
        assert stand.run(stand.ingest.health()) == {"event log": "ok", "sites": "ok"}


def test_202_comes_only_after_the_append() -> None:
    """R2: every 202 is in the log."""
    with Stand() as stand:

        async def main() -> None:
            stand.producer.gate = asyncio.Event()
            posting = asyncio.create_task(stand.posting(an_event()))
            await asyncio.sleep(0.05)
            assert not posting.done()
            stand.producer.gate.set()
            assert (await posting).status_code == 202

        stand.run(main())


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_at_the_limit_passes_and_one_over_it_is_413(compressed: bool) -> None:
    """S5: body over the limit."""
    with Stand() as stand:
        for size, status in ((MAX_BODY, 202), (MAX_BODY + 1, 413)):
            body = json.dumps(an_event()).encode().ljust(size)
            headers = {"content_encoding": "gzip"} if compressed else {}
            assert stand.post(gzip.compress(body) if compressed else body, **headers).status_code == status


def test_a_chunked_body_over_the_limit_is_413_without_being_read_to_its_end() -> None:
    """S5: chunked, without a Content-Length."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BODY:
            sent += 65_536
            yield b" " * 65_536

    with Stand() as stand:
        response = stand.post(endless())
        assert response.status_code == 413
        assert response.headers["connection"] == "close"
    assert sent <= 2 * MAX_BODY


@pytest.mark.parametrize("length", ["1", "0", "-5", "nonsense", "²", "9" * 400])
def test_a_lying_content_length_does_not_help(length: str) -> None:
    """S5: lying Content-Length."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    with Stand() as stand:
        response = stand.run(stand.client.post("/e", content=body(), headers={b"content-length": length.encode()}))
        assert response.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_413_in_bounded_memory(encoding: str) -> None:
    """S5: a compressed bomb; memory grows by < 10 MB."""
    pack = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(40)) + pack.flush()
    assert len(bomb) < MAX_BODY
    with Stand() as stand:
        stand.post(an_event())
        tracemalloc.start()
        response = stand.post(bomb, content_encoding=encoding)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert response.status_code == 413
        assert peak < 10_000_000


def test_compressed_events_are_read_and_broken_or_other_compression_refused() -> None:
    with Stand() as stand:
        body = json.dumps(an_event()).encode()
        assert stand.post(gzip.compress(body), content_encoding="gzip").status_code == 202
        assert stand.post(zlib.compress(body), content_encoding="deflate").status_code == 202
        assert stand.post(gzip.compress(body)[:-4], content_encoding="gzip").status_code == 400
        assert stand.post(body, content_encoding="gzip").status_code == 400
        assert stand.post(body, content_encoding="br").status_code == 415


def test_a_body_that_does_not_arrive_is_408() -> None:
    """S6: slow bodies, as far as the application sees them."""

    class Silent:
        headers: dict[str, str] = {}  # noqa: RUF012 - a stand-in

        async def stream(self) -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(Refused) as refused:
            await read_body(Silent(), deadline=0.05)  # type: ignore[arg-type]
        assert refused.value.status == 408

    asyncio.run(main())


def test_a_forged_forwarded_address_is_ignored() -> None:
    """S9: from an address that is no trusted proxy."""
    with Stand(address_rate=Rate(1, 2)) as stand:
        answers = [stand.post(an_event(), x_forwarded_for=f"198.51.100.{n}").status_code for n in range(4)]
        assert answers == [202, 202, 429, 429]


def test_a_trusted_proxy_speaks_for_its_clients() -> None:
    """S9."""
    with Stand(peer="127.0.0.1", address_rate=Rate(1, 2)) as stand:
        answers = [
            stand.post(an_event(), x_forwarded_for=f"6.6.6.6, 198.51.100.{n // 2}").status_code for n in range(4)
        ]
        assert answers == [202] * 4
        assert stand.post(an_event(), x_forwarded_for="198.51.100.0").status_code == 429


def test_an_address_over_its_rate_is_429_until_its_bucket_fills() -> None:
    """S10: over its rate, counted in events."""
    with Stand(address_rate=Rate(10, 20)) as stand:
        assert stand.post([an_event()] * 15).status_code == 202
        response = stand.post([an_event()] * 15)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"
        assert len(stand.producer.events) == 15
        stand.now += 1000
        assert stand.post([an_event()] * 15).status_code == 202


def test_wrong_events_cost_their_sender_too() -> None:
    """S10."""
    with Stand(address_rate=Rate(1, 10)) as stand:
        assert stand.post([5] * 10).status_code == 400
        assert stand.post(an_event()).status_code == 429


def test_a_site_over_its_rate_is_429_and_others_are_unaffected() -> None:
    """S10: one site over its rate; others unaffected."""
    blog = a_site("blog01", OTHER_ID, domain="blog.test")
    with Stand(a_site(), blog, site_rate=Rate(1, 2)) as stand:
        assert stand.post([an_event(), an_event()]).status_code == 202
        response = stand.post(an_event())
        assert (response.status_code, response.headers["retry-after"]) == (429, "1")
        assert stand.post(an_event(site=OTHER_ID, url="https://blog.test/")).status_code == 202


def test_the_default_rate_takes_a_burst_of_1000_events() -> None:
    """S10."""
    with Stand() as stand:
        answers = [stand.post([an_event()] * 100).status_code for _ in range(11)]
        assert answers == [202] * 10 + [429]


@pytest.mark.parametrize("status", [202, 400, 404, 413, 429, 503])
def test_every_answer_is_open_to_every_origin_without_credentials(status: int) -> None:
    """S11: CORS `*` without credentials, no cookies."""
    with Stand(address_rate=Rate(1, 1)) as stand:
        stand.producer.broken = UNAVAILABLE if status == 503 else None
        if status == 429:
            stand.post(an_event())
        body: Any = {400: b"x", 404: an_event(site="site_x"), 413: b" " * (MAX_BODY + 1)}.get(status, an_event())
        response = stand.post(body, origin="https://example.com")
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "*"
        assert "Retry-After" in response.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in response.headers
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/e", "/e.gif", "/t.js"])
@pytest.mark.parametrize(
    "asked", [None, "content-type", "traceparent,tracestate", "authorization, baggage, sentry-trace, x-anything"]
)
def test_a_preflight_allows_any_header(path: str, asked: str | None) -> None:
    """S11; pages whose fetch is instrumented ask for headers of their own."""
    headers = {"origin": "https://a.test", "access-control-request-method": "POST"}
    if asked is not None:
        headers["access-control-request-headers"] = asked
    with Stand() as stand:
        response = stand.run(stand.client.options(path, headers=headers))
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == "*"
        assert {"GET", "POST"} <= set(response.headers["access-control-allow-methods"].split(", "))
        assert response.headers["access-control-allow-headers"] == (asked or "Content-Type, Content-Encoding")
        assert "access-control-allow-credentials" not in response.headers
        assert "access-control-allow-private-network" not in response.headers


def test_a_page_of_the_internet_may_post_into_a_private_network() -> None:
    with Stand() as stand:
        headers = {"access-control-request-method": "POST", "access-control-request-private-network": "true"}
        response = stand.run(stand.client.options("/e", headers=headers))
        assert response.headers["access-control-allow-private-network"] == "true"


def test_global_privacy_control_makes_a_visit_cookieless() -> None:
    with Stand() as stand:
        stand.post(an_event())
        stand.post(an_event(), sec_gpc="1")
        stand.post(an_event(visitor="v2"), sec_gpc="1")
        named, first, second = (event.visitor for event in stand.producer.events)
        assert named != first == second


def test_the_address_is_in_no_record_no_salt_and_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """S15: the visitor's IP is in no store and no log, also when something breaks."""
    caplog.set_level(logging.DEBUG)
    with Stand() as stand:
        stand.post(an_event(visitor=None))
        stand.post(an_event(url=5))
        stand.get(PIXEL)
        stand.redis.away = True
        stand.post(an_event(site=OTHER_ID))
        stand.producer.broken = RuntimeError("broken")
        stand.post(an_event())
        stand.run(asyncio.sleep(1.1))
        stored = b"".join(value for _, value in stand.producer.records) + b"".join(stand.redis.strings.values())
    assert ADDRESS.encode() not in stored
    assert caplog.records
    for record in caplog.records:
        if not record.name.startswith("httpx"):
            assert ADDRESS not in caplog.handler.format(record)


def test_the_pixel_counts_a_pageview_and_is_never_cached() -> None:
    with Stand() as stand:
        response = stand.get(PIXEL + "%3Futm_source%3Dfb&visitor=v1&title=A%20b&screen=1440x900&seq=4&data.plan=pro")
        assert (response.status_code, response.content) == (200, GIF)
        assert response.headers["content-type"] == "image/gif"
        assert response.headers["cache-control"] == "no-store"
        (event,) = stand.producer.events
        assert (event.type, event.page, event.source, event.title) == ("pageview", "/a", "facebook", "A b")
        assert (event.screen, event.seq, event.data) == ((1440, 900), 4, '{"plan":"pro"}')


def test_the_pixel_knows_every_field() -> None:
    with Stand() as stand:
        query = "&type=buy&id=e1&view=p1&scroll=50.5&engaged_ms=7&revenue.amount=9.90&revenue.currency=usd"
        query += "&data=%7B%22a%22%3A1%7D&at=1000&sent_at=2000&referrer=https%3A%2F%2Fgoogle.com%2F"
        assert stand.get(PIXEL + query).status_code == 200
        (event,) = stand.producer.events
        assert (event.type, event.id, event.view, event.scroll, event.engaged_ms) == ("buy", "e1", "p1", 5050, 7)
        assert (event.data, event.source, event.received - event.time) == ('{"a":1}', "google", 1000)
        assert event.revenue is not None
        assert (event.revenue.amount, event.revenue.currency) == (99_000, "USD")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        (f"?site={TRACKING_ID}", 400),
        (f"?site={TRACKING_ID}&url=%ff", 400),
        (f"?site={TRACKING_ID}&url=https://example.com/&seq=x", 400),
        (f"?site={TRACKING_ID}&url=https://example.com/&data={{", 400),
        ("?site=site_x&url=https://example.com/", 404),
    ],
)
def test_the_pixel_is_always_the_gif(query: str, status: int) -> None:
    """S8: the image comes whatever was asked; the status tells operators."""
    with Stand() as stand:
        response = stand.get("/e.gif" + query)
        assert (response.status_code, response.content) == (status, GIF)
        assert response.headers["cache-control"] == "no-store"
        assert stand.producer.records == []


def test_the_pixel_takes_what_a_page_does_not_choose() -> None:
    """Browsers escape an image's query in the page's encoding; a url may be as long as in a body."""
    with Stand() as stand:
        assert (
            stand.get(PIXEL + "&title=Caf%E9%00&view=%ED%A0%BD&data=%7B%22a%22%3A%22%5Cud83d%22%7D").status_code == 200
        )
        assert stand.get(PIXEL + "%3Fx%3D" + "x" * 30_000 + "&referrer=https://a.de/" + "a" * 30_000).status_code == 200
        odd, long = stand.producer.events
        assert (odd.title, odd.view, odd.data) == ("Caf\ufffd\ufffd", "\ufffd" * 3, '{"a":"\ufffd"}')
        assert (long.page, long.seq) == ("/a", 0)
    assert read_query(b"a" * 65_537).problems[0].message == "the query must be at most 65536 bytes"


def test_the_pixel_is_the_gif_while_the_log_is_away() -> None:
    with Stand() as stand:
        stand.producer.broken = UNAVAILABLE
        response = stand.get(PIXEL)
        assert (response.status_code, response.content) == (503, GIF)


def test_a_head_request_counts_nothing() -> None:
    with Stand() as stand:
        assert stand.run(stand.client.head(PIXEL)).status_code == 200
        assert stand.producer.records == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(alphabet='&=%+.data[]{}"revnuscé1x,0', max_size=60))
def test_no_query_is_a_500(query: str, shared_stand: Stand) -> None:
    """S8: fuzzing."""
    response = shared_stand.get(PIXEL + "&" + quote(query, safe="&=%+.[]{}"))
    assert response.status_code in (200, 400)


def test_the_script_is_served_with_an_etag() -> None:
    with Stand() as stand:
        response = stand.get("/t.js")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/javascript")
        assert response.headers["access-control-allow-origin"] == "*"
        assert b"data-site" in response.content
        packed = stand.get("/t.js", accept_encoding="gzip, br")
        assert packed.headers["content-encoding"] == "gzip" and packed.content == response.content
        assert "content-encoding" not in stand.get("/t.js", accept_encoding="identity").headers
        tag = response.headers["etag"]
        for held in (tag, tag.removeprefix("W/"), f'"another", {tag}'):
            again = stand.get("/t.js", if_none_match=held)
            assert (again.status_code, again.content) == (304, b"")
        assert stand.get("/t.js", if_none_match=f'{tag[:-2]}x"').status_code == 200


def test_metrics_count_what_became_of_events() -> None:
    with Stand() as stand:
        stand.post([an_event(), an_event(url="https://evil.test/"), an_event(url=5)])
        stand.post(b"x")
        name = "throughline_ingest_events_total"
        assert [stand.metric(name, outcome=outcome) for outcome in ("accepted", "host", "invalid")] == [1, 1, 2]
        assert stand.metric("throughline_ingest_responses_total", status="202") == 1
        assert stand.metric("throughline_ingest_responses_total", status="400") == 1
        assert stand.metric("throughline_ingest_sites_revision") == 1


def test_the_sites_are_refreshed_within_two_seconds() -> None:
    with Stand() as stand:
        stand.redis.publish(a_site(settings={"hosts": ["other.test"]}, revision=8), version=2)
        stand.run(asyncio.sleep(1.2))
        stand.post(an_event(url="https://other.test/"))
        assert [event.settings for event in stand.producer.events] == [8]


def test_refreshing_survives_redis_being_away_and_nonsense() -> None:
    with Stand() as stand:
        stand.redis.away = True
        stand.run(asyncio.sleep(1.2))
        stand.redis.away = False
        stand.redis.hashes["throughline:sites"] = {"version": b"9", "body": b"nonsense"}
        stand.run(asyncio.sleep(1.2))
        assert stand.post(an_event()).status_code == 202
        stand.redis.publish(a_site(revision=10), version=10)
        stand.run(asyncio.sleep(1.2))
        stand.post(an_event())
        assert [event.settings for event in stand.producer.events] == [7, 10]


def test_before_a_snapshot_was_read_nothing_is_unknown() -> None:
    with Stand(redis=FakeRedis(away=True)) as stand:
        assert stand.post(an_event()).status_code == 503
        assert stand.run(stand.ingest.health())["sites"] != "ok"
