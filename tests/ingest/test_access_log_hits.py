"""A hit of an access log as a pageview, and lines of any kind."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.access_log.hit import Malformed, judge
from ingest.access_log.reader import Format
from ingest.contract.event import Event, Filtered, Touch, encode
from ingest.contract.visitor import imported
from ingest.enrich import NO_PLACE, Place
from tests.ingest.fake import ADDRESS, FIREFOX, NOW
from tests.ingest.test_access_log import COMBINED, HIT, TIME, event, parsed


def test_a_hit_becomes_a_pageview_of_the_site() -> None:
    """S15: the address stays out of it."""
    line = event(HIT, lambda address: Place("DE", "DE-BE", "Berlin") if address == ADDRESS else NO_PLACE)
    assert isinstance(line, Event)
    assert (line.id, line.type, line.time, line.received, line.seq) == ("id-1", "pageview", TIME, NOW, 5)
    assert (line.url, line.page) == ("https://example.com/a?utm_source=fb", "/a")
    assert (line.source, line.referrer) == ("facebook", "https://t.co/x")
    assert (line.country, line.browser, line.os, line.device) == ("DE", "Firefox", "Linux", "Desktop")
    assert line.touch == Touch("", "", "", "Organic Social", "example.com", "DE-BE", "Berlin")
    assert (line.visitor, line.settings) == (imported("s3cret", TIME, ADDRESS, FIREFOX), 7)
    assert ADDRESS not in repr(line)


def test_the_host_of_a_proxy_request_is_not_believed() -> None:
    line = event(HIT._replace(target="http://evil.test/x"))
    assert isinstance(line, Event)
    assert (line.url, line.page) == ("https://example.com/x", "/x")


@given(st.binary(max_size=200), st.sampled_from(["combined", "common", "json", "w3c", "alb"]))
def test_no_line_raises_anything_but_malformed(line: bytes, format_: Format) -> None:
    """S8: fuzzing of every parser."""
    for text in (line, COMBINED.encode().replace(b"GET", line), b'{"time":' + line + b"}"):
        try:
            hit = parsed(text, format_)
        except Malformed:
            continue
        judge(hit, NOW)
        encode([event(hit)])


@given(
    st.dictionaries(
        st.sampled_from(["time", "ip", "request", "status", "referrer", "agent", "method", "path"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.lists(st.text())
        | st.just("GET / HTTP/1.1"),
    )
)
def test_no_json_line_raises_anything_but_malformed(fields: dict[str, Any]) -> None:
    """S8."""
    good = {"time": TIME, "ip": ADDRESS, "request": "GET / HTTP/1.1", "status": 200, "agent": FIREFOX}
    try:
        hit = parsed(json.dumps({**good, **fields}), "json")
    except Malformed:
        return
    judge(hit, NOW)
    encode([event(hit)])


def test_a_real_log_comes_out_as_published(tmp_path: Path) -> None:
    """Lines as Apache writes them, one of them truncated, through a gzip file."""
    lines = [
        COMBINED,
        COMBINED.replace("/a?utm_source=fb", "/style.css"),
        COMBINED.replace("200 42", "404 -"),
        COMBINED.replace("GET", "HEAD"),
        COMBINED.replace(FIREFOX, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        COMBINED[:-40],
        COMBINED,
    ]
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    counts: Counter[str] = Counter()
    for line in gzip.decompress(path.read_bytes()).splitlines():
        try:
            hit = parsed(line)
            admitted = event(hit)
            counts[judge(hit, NOW) or (admitted.reason if isinstance(admitted, Filtered) else "counted")] += 1
        except Malformed:
            counts["malformed"] += 1
    assert counts == {"counted": 2, "static": 1, "status": 1, "method": 1, "bot": 1, "malformed": 1}
