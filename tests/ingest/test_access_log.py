"""Access logs: formats, reasons in their order, ids that make a file count once."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.access_log.address import client_of
from ingest.access_log.hit import Hit, LeftOut, Malformed, judge, posted
from ingest.access_log.reader import Format, Reader, clean, recognise
from ingest.admission import ACCESS_LOG, EVENTS, Knowledge, Sender, admit, no_salt
from ingest.contract.address import LOOPBACK
from ingest.contract.event import Event, Filtered, Touch, encode
from ingest.contract.visitor import imported
from ingest.enrich import NO_PLACE, Place, Places, no_place
from tests.ingest.fake import ADDRESS, FIREFOX, NOW, a_site

COMBINED = (
    f'{ADDRESS} - - [17/May/2015:10:05:03 +0200] "GET /a?utm_source=fb HTTP/1.1" 200 42 "https://t.co/x" "{FIREFOX}"'
)
TIME = 1_431_849_903_000
HIT = Hit(TIME, ADDRESS, "GET", "/a?utm_source=fb", 200, "https://t.co/x", FIREFOX)


CLIENT = client_of(LOOPBACK)


def parsed(line: str | bytes, format_: Format = "combined", **fields: str) -> Hit:
    text = line if isinstance(line, bytes) else line.encode("utf-8", "surrogateescape")
    hit = Reader(format_, CLIENT, fields).read(clean(text))
    if hit is None:
        raise Malformed("nothing")
    return hit


def event(hit: Hit, places: Places = no_place) -> Event | Filtered:
    way = EVENTS if hit.agent is None else ACCESS_LOG
    sender = Sender(NOW, hit.ip, hit.agent or "")
    return admit(posted(hit, 5, "example.com"), a_site(), sender, Knowledge(places, no_salt), way, "id-1")


def detect(lines: list[bytes]) -> Format | None:
    reader = recognise([clean(line) for line in lines], CLIENT, {})
    return reader.format if reader else None


def as_json(**fields: Any) -> str:
    return json.dumps(fields)


def test_a_combined_line() -> None:
    assert parsed(COMBINED) == HIT


def test_a_common_line_has_no_agent_to_judge() -> None:
    hit = parsed(COMBINED[: COMBINED.index(' "https')], "common")
    assert hit == HIT._replace(referrer="", agent=None)
    assert judge(hit, NOW) is None


def test_fields_that_a_server_appends_are_ignored() -> None:
    assert parsed(COMBINED + ' "198.51.100.1, 10.0.0.1" 0.003') == HIT


def test_a_user_name_may_stand_in_the_line() -> None:
    assert parsed(COMBINED.replace("- - [", "- frank zappa [")).ip == ADDRESS


def test_quotes_and_bytes_are_unescaped() -> None:
    line = COMBINED.replace(FIREFOX, r"a \"b\" \\ \x22 \xc3\xa4 \t \xff")
    assert parsed(line).agent == 'a "b" \\ " ä \t \ufffd'


def test_a_dash_is_nothing() -> None:
    hit = parsed(COMBINED.replace("https://t.co/x", "-").replace(FIREFOX, "-"))
    assert (hit.referrer, hit.agent) == ("", "")


@pytest.mark.parametrize(
    "fields",
    [
        {
            "time_local": "17/May/2015:10:05:03 +0200",
            "remote_addr": ADDRESS,
            "request": "GET /a?utm_source=fb HTTP/1.1",
            "status": "200",
            "http_referer": "https://t.co/x",
            "http_user_agent": FIREFOX,
        },
        {
            "time_iso8601": "2015-05-17T10:05:03+02:00",
            "remote_addr": ADDRESS,
            "request_method": "GET",
            "request_uri": "/a?utm_source=fb",
            "status": 200,
            "http_referer": "https://t.co/x",
            "http_user_agent": FIREFOX,
        },
        {
            "time": "17/May/2015:08:05:03 +0000",
            "remote_ip": ADDRESS,
            "request": "GET /a?utm_source=fb HTTP/1.1",
            "response": 200,
            "referrer": "https://t.co/x",
            "agent": FIREFOX,
        },
        {
            "msec": "1431849903.000",
            "ip": ADDRESS,
            "method": "GET",
            "path": "/a?utm_source=fb",
            "status_code": 200,
            "referer": "https://t.co/x",
            "ua": FIREFOX,
        },
        {
            "ts": 1431849903.0,
            "client_ip": ADDRESS,
            "method": "GET",
            "url": "/a?utm_source=fb",
            "code": "200",
            "referer": "https://t.co/x",
            "user_agent": FIREFOX,
        },
        {
            "@timestamp": "2015-05-17T08:05:03.000Z",
            "clientip": ADDRESS,
            "verb": "GET",
            "request_path": "/a?utm_source=fb",
            "response": "200",
            "referrer": "https://t.co/x",
            "useragent": FIREFOX,
        },
    ],
    ids=["nginx", "nginx split", "short", "epoch", "caddy-like", "elastic"],
)
def test_a_json_line_by_nginx_names_and_the_usual_short_ones(fields: dict[str, Any]) -> None:
    assert parsed(as_json(**fields), "json") == HIT


def test_other_names_are_given_by_the_caller_and_may_be_dotted() -> None:
    line = as_json(
        when=1431849903000,
        request={"client": ADDRESS, "method": "GET", "uri": "/a", "headers": {"User-Agent": [FIREFOX]}},
        status=200,
    )
    hit = parsed(
        line,
        "json",
        time="when",
        ip="request.client",
        method="request.method",
        target="request.uri",
        agent="request.headers.User-Agent.0",
    )
    assert hit == HIT._replace(target="/a", referrer="")


def test_milliseconds_are_kept() -> None:
    line = as_json(ts="2015-05-17T08:05:03.250Z", ip=ADDRESS, request="GET / HTTP/2", status=200, agent=FIREFOX)
    assert parsed(line, "json").time == TIME + 250


@pytest.mark.parametrize(
    ("line", "format_"),
    [
        ("", "combined"),
        ("nonsense", "combined"),
        (COMBINED[:-1], "combined"),
        (COMBINED[:-30], "combined"),
        (COMBINED.replace("May", "Mai"), "combined"),
        (COMBINED.replace("17/May", "31/Feb"), "combined"),
        (COMBINED.replace("+0200", "+9900"), "combined"),
        (COMBINED.replace("2015", "1915"), "combined"),
        (COMBINED.replace("GET /a?utm_source=fb HTTP/1.1", "-"), "combined"),
        (COMBINED.replace("GET /a?utm_source=fb HTTP/1.1", r"\x16\x03\x01"), "combined"),
        (COMBINED.replace(" 200 ", " OK "), "combined"),
        (COMBINED + "a" * 70_000, "combined"),
        (COMBINED, "common"),
        ("{", "json"),
        ("[]", "json"),
        ("{}", "json"),
        ("[" * 30_000, "json"),
        (as_json(time="yesterday", ip=ADDRESS, request="GET / HTTP/1.1", status=200), "json"),
        (as_json(time=True, ip=ADDRESS, request="GET / HTTP/1.1", status=200), "json"),
        (as_json(time=TIME, ip=ADDRESS, request="GET", status=200), "json"),
        (as_json(time=TIME, ip=5, request="GET / HTTP/1.1", status=200), "json"),
        (as_json(time=TIME, ip=ADDRESS, request="GET / HTTP/1.1", status=[]), "json"),
    ],
)
def test_a_malformed_line(line: str, format_: Format) -> None:
    """R11, S8: a value, not a crash."""
    with pytest.raises(Malformed):
        parsed(line, format_)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"time": NOW}, None),
        ({"time": NOW + 300_000}, None),
        ({"time": NOW + 300_001}, "malformed"),
        ({"method": "HEAD"}, "method"),
        ({"status": 404}, "status"),
        ({"status": 301}, "status"),
        ({"status": 304}, None),
        ({"status": 206}, None),
        ({"target": "/logo.PNG?v=1"}, "static"),
        ({"target": "/a.b/"}, None),
        ({"target": "/?file=a.css"}, None),
        ({"target": "/css"}, None),
        ({"target": "/feed.rss"}, "static"),
        ({"target": "/index.html"}, None),
        ({"method": "POST", "status": 404, "target": "/a.png", "agent": ""}, "method"),
        ({"status": 404, "target": "/a.png", "agent": ""}, "status"),
        ({"target": "/a.png", "agent": ""}, "static"),
    ],
)
def test_the_first_reason_in_order_stands(change: dict[str, Any], reason: LeftOut | None) -> None:
    assert judge(HIT._replace(**change), NOW) == reason


def test_the_first_lines_of_a_file_tell_its_format() -> None:
    common = COMBINED[: COMBINED.index(' "https')].encode()
    assert detect([COMBINED.encode()]) == "combined"
    assert detect([common]) == "common"
    assert detect([b"", b"broken", common]) == "common"
    assert detect([as_json(time=TIME, ip=ADDRESS, request="GET / HTTP/1.1", status=200).encode()]) == "json"
    assert detect([]) is None
    assert detect([b'{"time": 1}', b"2026 not a log"]) is None


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
