"""The tracking endpoint: its answers, to the letter, and what attacks it withstands."""

import asyncio
import json
import re
from typing import Any

import pytest

from ingest.log.protocol import LogUnavailable
from tests.ingest.fake import UNAVAILABLE, FakeRedis, Stand, a_site, an_event

OTHER_ID = "site_bbbbbbbbbbbbbbbb"


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
