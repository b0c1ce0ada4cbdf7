"""What stands before a server's line is taken off; what is no address is no visitor."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.access_log.address import client_of
from ingest.access_log.hit import Hit, Malformed
from ingest.access_log.reader import Reader, clean, recognise
from ingest.contract.address import LOOPBACK, networks

CORE = '8.8.8.1 - - [10/Nov/2026:10:01:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "UA x"'
HIT = Hit(1_794_304_860_000, "8.8.8.1", "GET", "/a", 200, "", "UA x")
CLIENT = client_of(LOOPBACK)


def reader(*lines: str) -> Reader:
    found = recognise([clean(line.encode()) for line in lines], CLIENT, {})
    assert found is not None, lines
    return found


def hits(*lines: str) -> list[Hit | None]:
    by = reader(*lines)
    return [by.read(clean(line.encode())) for line in lines]


PREFIXES = [
    "shop.example.com:443 ",
    "shop.example.com ",
    "10.0.0.1:80 ",
    "[2001:db8::5]:443 ",
    "_ ",
    "2026-11-10T10:01:00.1Z stdout F ",
    "2026-11-10T10:01:00.123456789+01:00 stdout F ",
    "Nov 10 10:01:00 host1 nginx: ",
    "Nov  1 10:01:00 host1 nginx[12]: ",
    "<190>Nov 10 10:01:00 host1 nginx: ",
    "<34>1 2026-11-10T10:01:00.1Z host nginx - - - ",
    '<34>1 2026-11-10T10:01:00.1Z host nginx 12 ID47 [a@1 b="c \\" ]"][d] \ufeff',
    "2026-11-10T10:01:00.123456+00:00 host1 nginx[1]: ",
    "2026-11-10T10:01:00+0000 host1 nginx: ",
    "[pod/web-6c8/nginx] ",
    "[pod/web-6c8/nginx] 2026-11-10T10:01:00.1Z ",
    "12:",
    "access.log:",
    "access.log:12:",
    "/var/log/nginx/access.log.2.gz:",
    "web-1  | ",
    "web-1 | 2026-11-10T10:01:00.1Z ",
    "\x1b[36mweb-1  | \x1b[0m",
    "2026-11-10T10:01:00.123456789Z ",
    "web-6c8 nginx ",
    "Nov 10 10:01:00 host1 nginx: shop.example.com:443 ",
    "somebody's own tag> ",
    "   ",
]


@pytest.mark.parametrize("before", PREFIXES)
def test_a_prefix_is_taken_off(before: str) -> None:
    assert hits(before + CORE, before + CORE) == [HIT, HIT]
    line = before + CORE.replace("8.8.8.1", "2001:db8::1")
    if before.endswith("12:"):  # with one number alone nobody can tell
        return
    assert reader("what is this", line, line).read(clean(line.encode())) == HIT._replace(ip="2001:db8::1")


@pytest.mark.parametrize("before", PREFIXES)
def test_a_prefix_before_json_is_taken_off(before: str) -> None:
    json = (
        '{"time":1794304860,"remote_addr":"8.8.8.1","request":"GET /a HTTP/1.1","status":200,"http_user_agent":"UA x"}'
    )
    if before[:4] not in ("shop", "10.0", "[200", "_ ", "web-6c8 nginx"):
        assert hits(before + json) == [HIT]


def test_a_prefix_goes_before_a_name_too() -> None:
    named = CORE.replace("8.8.8.1", "crawl-66.googlebot.com")
    for before in ("shop.example.com:443 ", "Nov 10 10:01:00 host1 nginx: ", ""):
        assert hits(before + named) == [HIT._replace(ip="crawl-66.googlebot.com")]


def test_numbers_before_ipv6_addresses_are_no_part_of_them() -> None:
    line = CORE.replace("8.8.8.1", "2001:db8::1")
    assert [hit and hit.ip for hit in hits(f"9:{line}", f"12:{line}", f"13:{CORE}")] == [
        "2001:db8::1",
        "2001:db8::1",
        "8.8.8.1",
    ]


def test_parts_of_a_record_are_joined_by_stream() -> None:
    first, rest = CORE[:60], CORE[60:]
    assert hits(
        f"2026-11-10T10:01:00.1Z stdout P {first}",
        "2026-11-10T10:01:00.1Z stderr P of another",
        f"2026-11-10T10:01:00.2Z stdout F {rest}",
        f"2026-11-10T10:01:00.3Z stdout F {CORE}",
    ) == [None, None, HIT, HIT]


@pytest.mark.parametrize("key", ["log", "message", "MESSAGE", "msg"])
def test_a_line_inside_a_collectors_json(key: str) -> None:
    line = CORE.replace('"', '\\"')
    assert hits(f'{{"{key}":"{line}\\n","stream":"stdout","time":"2026-11-10T10:01:00.1Z"}}') == [HIT]
    assert hits(f'{{"{key}":"shop.example.com:443 {line}","x":1}}') == [HIT]


@pytest.mark.parametrize("first", ["-", "web|1", "unix:", "12:34", "host_name!", "8.8.8", "300.1.1.1", "a..b", "a:b:c"])
def test_what_is_no_address_and_no_host_name_is_malformed(first: str) -> None:
    with pytest.raises(Malformed):
        reader(CORE).read(CORE.replace("8.8.8.1", first).encode())


def test_a_prefix_in_a_file_that_has_none_is_malformed() -> None:
    by = reader(CORE)
    for before in ("web-1 | ", "Nov 10 10:01:00 host1 nginx: "):
        with pytest.raises(Malformed):
            by.read((before + CORE).encode())


@pytest.mark.parametrize(
    ("column", "address"),
    [
        ("8.8.8.8:50001", "8.8.8.8"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("8.8.8.8, 10.0.0.1", "8.8.8.8"),
        ("8.8.8.8,10.0.0.1", "8.8.8.8"),
        ('"8.8.8.8, 10.0.0.1"', "8.8.8.8"),
        ('"8.8.8.8"', "8.8.8.8"),
        ("8.8.8.8 , 10.0.0.1 , 127.0.0.1", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8, 192.168.0.7", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8", "8.8.8.8"),
        ("8.8.8.8, 198.51.100.7", "8.8.8.8"),
        ("unknown, 8.8.8.8, fd00::1", "8.8.8.8"),
        ("10.1.1.1, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("::FFFF:808:808", "8.8.8.8"),
        ("[::ffff:8.8.8.8]:1234", "8.8.8.8"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("Crawl-1.Example.COM.", "crawl-1.example.com"),
    ],
)
def test_one_spelling_of_an_address(column: str, address: str) -> None:
    """`198.51.100.7` is a trusted proxy here."""
    client = client_of(networks(["127.0.0.0/8", "198.51.100.0/24"]))
    assert client(column) == address
    by = recognise([CORE.encode()], client, {})
    assert by is not None
    read = by.read(CORE.replace("8.8.8.1", column).encode())
    assert read is not None and read.ip == address
    json = recognise([b'{"time":1,"ip":"1.1.1.1","request":"GET / HTTP/1.1","status":200}'], client, {})
    assert json is not None
    quoted = column.replace('"', '\\"')
    read = json.read(f'{{"time":1,"ip":"{quoted}\\u0000","request":"GET / HTTP/1.1","status":200}}'.encode())
    assert read is not None and read.ip == address


@given(st.ip_addresses(), st.sampled_from(["{}", "{}:4711", "[{}]", "[{}]:80", " {} ", '"{}"', "{}, 10.0.0.1", "{}\0"]))
def test_any_address_is_itself_in_every_dress(address: object, dress: str) -> None:
    text = str(address)
    if (":" in text and dress == "{}:4711") or (is_private(text) and "," in dress):
        return
    assert CLIENT(dress.format(text)) == CLIENT(text)


def is_private(text: str) -> bool:
    return CLIENT(f"8.8.8.8, {text}") == "8.8.8.8"


def test_a_proxys_address_in_a_column_of_its_own_is_one_of_a_list() -> None:
    """`%{X-Forwarded-For}i %h %l %u %t`, a much used format."""
    lines = [
        CORE.replace("8.8.8.1", column) for column in ("8.8.8.1 10.0.0.1", "- 8.8.8.1", "1.1.1.1, 8.8.8.1 10.0.0.1")
    ]
    for order in (lines, lines[::-1]):
        assert hits(*order) == [HIT] * 3
    assert hits(CORE.replace("8.8.8.1 -", "8.8.8.1 shop.example.com")) == [HIT]
    assert hits(CORE.replace("8.8.8.1 - -", "8.8.8.1 shop.example.com - -")) == [HIT]


def worst(*lines: str) -> float:
    """CPU seconds a line takes that looks like many things."""
    begun = time.process_time()
    by = Reader("combined", CLIENT, {})
    for line in lines:
        recognise([line.encode()], CLIENT, {})
        try:
            by.read(line.encode())
        except Malformed:
            continue
    return time.process_time() - begun


@pytest.mark.parametrize(
    "unit",
    [
        " ",
        "a ",
        "1.1.1.1 a ",
        "1.1.1.1, ",
        "[",
        '"',
        "\\",
        "8.8.8.8 - - [x] ",
        "a:",
        "::",
        '<1>1 - a b c d [x="',
        "{",
        "| ",
    ],
)
def test_no_line_takes_the_square_of_its_length(unit: str) -> None:
    """Four times as long may take four times as long; sixteen times would be a square."""
    short, long = (unit * (size // len(unit)) for size in (4_000, 16_000))
    tails = ("", "x", CORE)
    few = min(worst(*(short + tail for tail in tails)) for _ in range(3))
    many = min(worst(*(long + tail for tail in tails)) for _ in range(3))
    assert many < 10 * max(few, 0.002)


def lines_of(prefix: str, people: Sequence[str]) -> list[str]:
    return [prefix + CORE.replace("8.8.8.1", person) for person in people]


def test_a_virtual_host_is_not_the_visitor() -> None:
    people = [f"203.0.113.{number}" for number in range(1, 200)]
    assert {hit and hit.ip for hit in hits(*lines_of("shop.example.com:443 ", people))} == set(people)
