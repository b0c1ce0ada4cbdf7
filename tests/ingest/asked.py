"""Requests of `POST /e` as bytes: right, wrong, broken and unusual ones."""

import gzip
import json
import re
from typing import Any

from ingest.contract.batch import MAX_BODY
from tests.ingest.fake import FIREFOX, TRACKING_ID, an_event

GOOD = an_event(id="e1")
TEXT = json.dumps(GOOD).encode()


def post(body: bytes | Any, *headers: str, path: str = "/e", length: str | None = None, close: bool = True) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"User-Agent: {FIREFOX}", *headers]
    lines += [f"Content-Length: {len(text) if length is None else length}"]
    lines += ["Connection: close"] if close else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + text


def chunked(request: bytes) -> bytes:
    """The same body in chunks."""
    head, _, body = request.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part)
    return head + b"\r\n\r\n" + chunks + b"0\r\n\r\n"


WRONG: dict[str, Any] = {
    "site of another type": an_event(site=5),
    "type empty": an_event(type=" "),
    "url no web address": an_event(url="x"),
    "url missing": {"site": TRACKING_ID, "type": "a"},
    "id too long": an_event(id="a" * 65),
    "at text": an_event(at="1"),
    "seq negative": an_event(seq=-1),
    "visitor true": an_event(visitor=True),
    "type bidi override": an_event(type="\u202ea"),
    "view too long": an_event(view="a" * 65),
    "referrer a list": an_event(referrer=[]),
    "screen of three": an_event(screen=[1, 2, 3]),
    "data text": an_event(data="x"),
    "revenue true": an_event(revenue=True),
    "scroll above": an_event(scroll=101),
    "engaged below": an_event(engaged_ms=-1),
    "unknown site": an_event(site="x"),
    "deleted site": an_event(site="site_gone"),
    "foreign host": an_event(id="e", url="https://evil.test/"),
    "late": an_event(id="e", at=0, sent_at=86_400_001),
    "no event": [],
    "101 events": [GOOD] * 101,
    "a number": 1,
    "null": None,
    "nested": [[GOOD]],
}
BODIES: dict[str, bytes] = {
    "vast number in an unknown member": TEXT[:-1] + b',"x":' + b"9" * 5_000 + b"}",
    "broken UTF-8 in an unknown member": TEXT[:-1] + b',"x":"\xff"}',
    "surrogate in an unknown member": TEXT[:-1] + b',"x":"\\ud800"}',
    "empty": b"",
    "spaces": b"   ",
    "text": b"nothing",
    "half": b'{"site":',
    "deep": b"[" * 50_000,
    "deep objects": b'{"a":' * 9_000,
    "bytes": b"\xff" * 100,
    "BOM": b"\xef\xbb\xbf" + TEXT,
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "NUL": b"\0",
    "two values": TEXT * 2,
    "half a character in data": json.dumps({**GOOD, "data": {"\ud800": "\\ud800\udfff\0"}}).encode(),
    "half a character as bytes": TEXT[:-1] + b',"title":"\xed\xa0\xbd"}',
    "surrogate": json.dumps({**GOOD, "title": "\ud800"}).encode(),
    "broken UTF-8 in one": b"[" + TEXT + b',{"title":"\xff"}]',
    "at the limit": TEXT.ljust(MAX_BODY),
    "repeated member": json.dumps(GOOD)[:-1].encode() + b',"id":5,"id":"e2"}',
    "vast number": json.dumps(GOOD)[:-1].encode() + b',"seq":' + b"9" * 5_000 + b"}",
}
RIGHT: dict[str, Any] = {
    "plain": GOOD,
    "batch": [an_event(id=str(number), visitor=str(number)) for number in range(100)],
    "mixed": [GOOD, an_event(url=5), an_event(site="x"), an_event(id="e", url="https://evil.test/")],
    "everything": an_event(
        id="e1",
        at=1,
        sent_at=9,
        seq=3,
        view="v",
        referrer="https://a.test/",
        title="é",
        screen=[1, 2],
        data={"a": {"b": 1.50}},
        revenue={"amount": "19.90", "currency": "eur"},
        scroll=12.34,
        engaged_ms=9,
    ),
    "nulls": an_event(id="e1", referrer=None, seq=None, data=None, revenue=None),
    "unknown member": an_event(id="e1", more={"x": [1]}),
    "cookieless": {**GOOD, "visitor": ""},
    "numbers for ids": an_event(
        id=7, visitor=12345, view=1.5, revenue={"amount": 59.699999999999996, "transaction": 1}
    ),
    "nothing a page chooses": an_event(id="e1", url="https://example.com/?x=" + "x" * 30_000, title="a\ud83d" * 1000),
    "long url, clock before 1970": an_event(id="e1", url="https://example.com/?x=" + "x" * 30_000, at=-9, sent_at=-1),
    "two spaces": an_event(id="e1", type="a  b"),
    "NUL": an_event(id="e1", title="a\0", view="\0", data={"a\0": "\\u0000\0"}),
    "places in the body": [an_event(id=letter) for letter in "zyx"],
    "emoji type": an_event(id="e", type="👩\u200d🔧"),
    "revenue bare": an_event(id="e1", revenue=9.90),
}
HEADERS: dict[str, list[str]] = {
    "JSON": ["Content-Type: application/json"],
    "text": ["Content-Type: text/plain;charset=UTF-8"],
    "origin": ["Origin: https://example.com", "Cookie: a=b", "Accept-Encoding: gzip, br"],
    "privacy": ["Sec-GPC:  1 "],
    "no privacy": ["Sec-GPC: 0", "Sec-GPC: 1"],
    "other agent": ["User-Agent: curl/8"],
    "bytes": ["X: \xff\xfe"],
    "forwarded": ["X-Forwarded-For: 198.51.100.7, 203.0.113.1", "X-Forwarded-For: [2001:db8::1]:99"],
    "forwarded nonsense": ["X-Forwarded-For: " + "x," * 300],
    "many": [f"X-{number}: a" for number in range(90)],
    "large": ["X: " + "a" * 30_000],
    "too large": ["X: " + "a" * 34_000],
    "identity": ["Content-Encoding: identity"],
    "Brotli": ["Content-Encoding: br"],
    "wrongly gzip": ["Content-Encoding: gzip"],
    "expect": ["Expect: 100-continue"],
    "expect more": ["Expect: something"],
    "upgrade": ["Upgrade: h2c"],
    "old keep-alive": ["Keep-Alive: timeout=9"],
}
REQUESTS: dict[str, list[bytes]] = {
    **{f"wrong: {name}": [post(body)] for name, body in WRONG.items()},
    **{f"body: {name}": [post(body)] for name, body in BODIES.items()},
    **{f"right: {name}": [post(body)] for name, body in RIGHT.items()},
    **{f"header: {name}": [post(GOOD, *lines)] for name, lines in HEADERS.items()},
    "gzip": [post(gzip.compress(TEXT, mtime=0), "Content-Encoding: gzip")],
    "above the limit": [post(b" " * (MAX_BODY + 1))],
    "another path": [post(GOOD, path="/e/")],
    "a query": [post(GOOD, path="/e?x=1")],
    "escaped": [post(GOOD, path="/%65")],
    "absolute": [post(GOOD, path="http://x/e")],
    "no such path": [post(GOOD, path="/x")],
    "HTTP/1.0": [post(GOOD).replace(b"HTTP/1.1", b"HTTP/1.0")],
    "lower method": [post(GOOD).replace(b"POST", b"post")],
    "PUT": [post(GOOD).replace(b"POST", b"PUT")],
    "OPTIONS": [post(b"").replace(b"POST", b"OPTIONS")],
    "GET": [post(b"").replace(b"POST", b"GET")],
    "HEAD": [post(b"").replace(b"POST", b"HEAD")],
    "length no number": [post(GOOD, length="x")],
    "length negative": [post(GOOD, length="-1")],
    "length twice": [post(GOOD, "Content-Length: 5")],
    "length vast": [post(GOOD, length="9" * 30)],
    "length with zeros": [post(GOOD, length=f"000{len(json.dumps(GOOD))}")],
    "length and chunks": [post(GOOD, "Transfer-Encoding: chunked")],
    "no length": [post(b"").replace(b"Content-Length: 0\r\n", b"")],
    "pieces": [bytes([byte]) for byte in post(GOOD)],
    "pieces of a large body": [post(RIGHT["batch"])[at : at + 999] for at in range(0, len(post(RIGHT["batch"])), 999)],
    "pipelined": [post(GOOD, close=False) * 3 + post(an_event(id="e9"))],
    "pipelined behind another": [
        post(b"", close=False).replace(b"POST", b"OPTIONS") + post(GOOD, close=False) + post(GOOD)
    ],
    "pipelined before another": [post(GOOD, close=False) + post(b"").replace(b"POST", b"OPTIONS")],
    "pipelined before chunks": [post(GOOD, close=False) + chunked(post(GOOD))],
    "broken behind a good one": [post(GOOD, close=False) + b"\0no http\r\n\r\n"],
    "a head too large behind a good one": [post(GOOD, close=False) + post(GOOD, "X: " + "a" * 70_000)],
    "one after the other": [post(GOOD, close=False), post(GOOD, close=False), chunked(post(GOOD))],
    "more after the last": [post(GOOD) + post(GOOD)],
}
