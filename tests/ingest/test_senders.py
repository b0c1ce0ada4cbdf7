"""Who sends: addresses and what is kept of them, rates, and pages of other origins."""

import asyncio
import logging
from typing import Any

import pytest

from ingest.contract.batch import MAX_BODY
from ingest.limit import Rate
from tests.ingest.fake import ADDRESS, UNAVAILABLE, Stand, a_site, an_event
from tests.ingest.test_endpoint import OTHER_ID
from tests.ingest.test_pixel import PIXEL


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
