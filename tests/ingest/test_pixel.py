"""The pixel: a GET that counts, and whose answer is an image whatever happens."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.pixel import GIF, read_query
from tests.ingest.fake import TRACKING_ID, UNAVAILABLE, Stand

PIXEL = f"/e.gif?site={TRACKING_ID}&url=https%3A%2F%2Fexample.com%2Fa"


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
