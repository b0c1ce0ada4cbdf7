"""Requests, times, escapes and the formats of servers: each line as the pageview that it tells of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.access_log import moment
from ingest.access_log.address import client_of
from ingest.access_log.hit import Hit, Malformed, judge, posted
from ingest.access_log.reader import Format, Reader, clean, recognise
from ingest.contract.address import LOOPBACK
from ingest.contract.page import read_url, stored_url
from ingest.source import attribute

CLIENT = client_of(LOOPBACK)
NOW = 1_800_000_000_000
TIME = 1_794_304_860_000  # 2026-11-10T10:01:00Z


def combined(request: str = "GET /a HTTP/1.1", referrer: str = "-", agent: str = "UA x", more: str = "") -> bytes:
    line = f'8.8.8.8 - - [10/Nov/2026:10:01:00 +0000] "{request}" 200 1 "{referrer}" "{agent}"{more}'
    return line.encode("utf-8", "surrogateescape")


def read(*lines: str | bytes) -> Hit:
    """The last line's hit, of a file that begins with all of them."""
    texts = [clean(line if isinstance(line, bytes) else line.encode()) for line in lines]
    reader = recognise(texts, CLIENT, {})
    assert reader is not None, lines
    hits = [reader.read(text) for text in texts]
    assert hits[-1] is not None
    return hits[-1]


def format_of(*lines: str | bytes) -> Format | None:
    reader = recognise([line if isinstance(line, bytes) else line.encode() for line in lines], CLIENT, {})
    return reader.format if reader else None


def url_of(request: str) -> str:
    return stored_url(read_url(posted(read(combined(), combined(request)), 1, "example.com").url))


@pytest.mark.parametrize(
    ("request_", "url"),
    [
        (r"GET /caf\xC3\xA9 HTTP/1.1", "https://example.com/caf%C3%A9"),
        ("GET /café HTTP/1.1", "https://example.com/caf%C3%A9"),
        (r"GET /caf\xE9 HTTP/1.1", "https://example.com/caf%E9"),
        ("GET /caf\udce9 HTTP/1.1", "https://example.com/caf%E9"),
        (r"GET /a\"b HTTP/1.1", "https://example.com/a%22b"),
        (r"GET /a\x22b HTTP/1.1", "https://example.com/a%22b"),
        (r"GET /a\\b HTTP/1.1", "https://example.com/a%5Cb"),
        (r"GET /a\tb HTTP/1.1", "https://example.com/a%09b"),
        (r"GET /a\x00b HTTP/1.1", "https://example.com/ab"),
        ("GET /a b HTTP/1.1", "https://example.com/a%20b"),
        ("GET /a b", "https://example.com/a%20b"),
        ("GET /old", "https://example.com/old"),
        ("GET / HTTP/0.9", "https://example.com/"),
        ("GET /a HTTP/2.0", "https://example.com/a"),
        ("GET /a HTTP/3", "https://example.com/a"),
        ("GET  /a  HTTP/1.1", "https://example.com/a"),
        ("GET http://elsewhere.test/a?utm_source=x HTTP/1.1", "https://example.com/a?utm_source=x"),
        ("GET //elsewhere.test/a HTTP/1.1", "https://example.com/elsewhere.test/a"),
        (r"GET /?utm_source=caf\xC3\xA9 HTTP/1.1", "https://example.com/?utm_source=caf%C3%A9"),
    ],
)
def test_a_request_as_it_was_sent(request_: str, url: str) -> None:
    assert url_of(request_) == url


def test_escapes_in_referrer_agent_and_campaign() -> None:
    hit = read(
        combined(r"GET /?utm_source=caf\xC3\xA9 HTTP/1.1", r"https://t.co/\xC3\xA9", r"a \"b\" \\ \xc3\xa4 \xff")
    )
    assert (hit.referrer, hit.agent) == ("https://t.co/é", 'a "b" \\ ä \ufffd')
    assert attribute(read_url(posted(hit, 1, "example.com").url), read_url(""), "example.com").source == "café"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_agent_comes_back_however_a_server_escapes(agent: str) -> None:
    raw = agent.encode()
    every = "".join(f"\\x{byte:02X}" for byte in raw)
    some = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in raw)
    for written in (every, some):
        if agent != "-" and agent:
            assert read(combined(agent=written)).agent == agent


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ("PROPFIND /a HTTP/1.1", "method"),
        ("get /a HTTP/1.1", "method"),
        ("FOO_BAR /a HTTP/1.1", "method"),
        ("M-SEARCH * HTTP/1.1", "method"),
        ("CONNECT example.com:443 HTTP/1.1", "method"),
        ("OPTIONS * HTTP/1.1", "method"),
        ("POST /a b HTTP/1.1", "method"),
        ("GET /style%2Ecss HTTP/1.1", "static"),
        ("GET /style%2ecs%73 HTTP/1.1", "static"),
        ("GET /a.css;jsessionid=1 HTTP/1.1", "static"),
        ("GET /a.CSS;v=1?x=2 HTTP/1.1", "static"),
        ("GET /my style.css HTTP/1.1", "static"),
        ("GET http://x.test/a.js HTTP/1.1", "static"),
        ("GET /a;v=1.css HTTP/1.1", None),
        ("GET /a.css/b HTTP/1.1", None),
        ("GET /?x=/a.css HTTP/1.1", None),
    ],
)
def test_methods_and_files(request_: str, reason: str | None) -> None:
    assert judge(read(combined(), combined(request_)), NOW) == reason


@pytest.mark.parametrize(
    "request_", ["", "-", "GET", r"\x16\x03\x01\x02", "hello world", "GET  HTTP/1.1", "() { :; }; x"]
)
def test_what_is_no_request_is_malformed(request_: str) -> None:
    with pytest.raises(Malformed):
        read(combined(), combined(request_))


@pytest.mark.parametrize(
    "more",
    [
        ' rt=0.123 uct="0.000"',
        ' "a","b"',
        '  "a"',
        "\t5",
        ',"x"',
        " ",
        ' "cut',
        ' "\\x',
        " 8.8.4.4 - - [x]",
        ' "-" "-" 1 "r" 3ms',
    ],
)
def test_what_follows_the_agent_is_ignored(more: str) -> None:
    assert read(combined(more=more)) == read(combined())


def test_two_blanks_anywhere() -> None:
    assert read(combined().replace(b'" "', b'"  "').replace(b" 200 ", b"  200  ")) == read(combined())


@pytest.mark.parametrize("line", ["", "  ", "\t", "\0\0", "\ufeff"])
def test_blank_lines_are_skipped(line: str) -> None:
    assert Reader("combined", CLIENT, {}).read(clean(line.encode())) is None


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1_794_304_860, TIME),
        (1_794_304_860.25, TIME + 250),
        ("1794304860.250", TIME + 250),
        (1_794_304_860_250, TIME + 250),
        ("1794304860250", TIME + 250),
        (1_794_304_860_250_000, TIME + 250),
        (1_794_304_860_250_000_000, TIME + 250),
        ("1794304860250000000", TIME + 250),
        ("2026/11/10 10:01:00", TIME),
        ("2026-11-10 10:01:00", TIME),
        ("2026-11-10T10:01:00", TIME),
        ("2026-11-10 10:01:00 +0000", TIME),
        ("2026-11-10T11:01:00.25+01:00", TIME + 250),
        ("2026-11-10T10:01:00.250123456Z", TIME + 250),
        ("2026-11-10T10:01:00,250Z", TIME + 250),
        ("2026-11-10 10:01:00 UTC", TIME),
        ("[10/Nov/2026:10:01:00 +0000]", TIME),
        ("[2026-11-10T10:01:00Z]", TIME),
        ("10/Nov/2026:10:01:00 +0000", TIME),
        ("10/Nov/2026:10:01:00.250 +0000", TIME + 250),
        ("10/Nov/2026:15:46:00 +0545", TIME),
        ("Tue, 10 Nov 2026 10:01:00 GMT", TIME),
    ],
)
def test_a_time_however_it_is_written(value: object, time: int) -> None:
    line = json.dumps({"time": value, "ip": "8.8.8.8", "request": "GET / HTTP/1.1", "status": 200})
    assert read(line).time == time


@given(st.integers(0, 253_402_300_799))
def test_the_quick_way_to_a_time_is_the_slow_one(seconds: int) -> None:
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    assert moment.clf(text) == moment.read(text) == seconds * 1_000


@pytest.mark.parametrize(
    "value", ["x", "", "1", "2026-13-10 10:01:00", "2026-11-10", "10/Nov/2026:25:01:00 +0000", 10**30, -5, True, []]
)
def test_a_time_that_is_none(value: object) -> None:
    with pytest.raises(Malformed):
        moment.read_value(value)
