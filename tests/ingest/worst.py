"""The worst bodies that admission may be given, of every kind."""

import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.ingest.fake import an_event

SIZE = 250_000

fresh = itertools.count()  # nothing is in a cache yet

Body = Callable[[], bytes]


def event(**fields: Any) -> bytes:
    text = json.dumps(an_event(**fields), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def raw(name: str, value: bytes, **fields: Any) -> bytes:
    """An event with a member that is given as text."""
    return event(**fields)[:-1] + b',"%s":%s}' % (name.encode(), value)


def repeated(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def batch(make: Callable[[str, int], bytes]) -> Body:
    """A hundred events; `make` gets something unheard of and the bytes to fill."""

    def body() -> bytes:
        return b"[" + b",".join(make(f"n{next(fresh)}", SIZE // 100 - 150) for _ in range(100)) + b"]"

    return body


def single(make: Callable[[str, int], bytes]) -> Body:
    return lambda: make(f"n{next(fresh)}", SIZE - 200)


def plain(new: str, size: int) -> bytes:
    return event(
        url=f"https://example.com/shop/caf%C3%A9/{new}?utm_source=newsletter&utm_campaign=Spring+{new}&id=7",
        referrer=f"https://www.{new}.example.org/articles/{new}",
        title=f"Ein Artikel über {new}",
        screen=[1440, 900],
        data={f"key {number}": "some value " * 5 for number in range(size // 72)},
    )


def by_path(unit: str) -> Body:
    return batch(lambda new, size: event(url=f"https://example.com/{new}/{unit * (size // len(unit.encode()))}"))


def by_query(unit: str, start: str = "") -> Body:
    return batch(lambda new, size: event(url=f"https://example.com/?{start}{new}{unit * (size // len(unit))}"))


def by_referrer(name: Callable[[str, int], str]) -> Body:
    return batch(lambda new, size: event(referrer=f"https://{name(new, size)}/"))


def by_data(unit: bytes, last: bytes = b"1") -> Body:
    return batch(lambda _, size: raw("data", b'{"a":[' + repeated(unit, size - 20) + last + b"]}"))


def in_one(name: str, start: bytes, unit: bytes, end: bytes) -> Body:
    return single(lambda _, size: raw(name, start + repeated(unit, size) + end))


def whole(start: bytes, unit: bytes, end: bytes = b"") -> Body:
    return lambda: start + repeated(unit, SIZE) + end


WRONG = ("site", "type", "url", "id", "at", "seq", "visitor", "view", "referrer", "title", "screen", "data", "scroll")
WORST: dict[str, Body] = {
    "idn label too long, url": batch(lambda new, size: event(url=f"https://{new}{'ä' * (size // 2)}.example.com/")),
    "idn label too long, referrer": by_referrer(lambda new, size: new + "中" * (size // 3)),
    "idn name too long": by_referrer(lambda new, size: f"{new}." + f"{'ä' * 20}." * (size // 41) + "com"),
    "idn combining": by_referrer(lambda new, size: new + "a\u0301\u0327" * (size // 5)),
    "idn expanding": by_referrer(lambda new, _: new + "." + "\ufdfa" * 60 + ".com"),
    "idn long and legal but for its end": by_referrer(lambda new, _: ".".join([new + "ä" * 50] * 4) + "℀"),
    "idn ignored": by_referrer(lambda new, _: new + "\u00ad" * 230 + ".com"),
    "idn emoji": by_referrer(lambda new, _: ".".join([new[:9] + "😀" * 22] * 6)),
    "host escaped": by_referrer(lambda new, size: new + "%C3%A4" * (size // 6)),
    "host escaped and legal": by_referrer(lambda new, _: new + "%C3%A4" * 40 + ".com"),
    "idn dots": by_referrer(lambda new, size: new + "\u3002" * (size // 3)),
    "host labels": by_referrer(lambda new, _: f"{new}.{'a.' * 115}com"),
    "host at signs": by_referrer(lambda new, size: new + "@" * size),
    "host brackets": by_referrer(lambda new, size: f"[{new}" + ":" * size),
    "percent bare": by_path("%"),
    "percent half": by_path("%a"),
    "percent unreserved": by_path("%41"),
    "percent lower": by_path("%c3%a4"),
    "percent mixed": by_path("%41a"),
    "path beyond ASCII": by_path("ä"),
    "path half beyond ASCII": by_path("äa"),
    "path spaces": by_path("a "),
    "dot segments": by_path("../"),
    "dot segments up and down": by_path("a/../"),
    "single dots": by_path("./"),
    "escaped dots": by_path("%2e%2e/"),
    "slashes": by_path("/"),
    "segments": by_path("a/"),
    "semicolons": by_path(";"),
    "sessions": by_path(";sid=1"),
    "sessions almost": by_path("/(A(1)"),
    "ampersands": by_query("&"),
    "equals": by_query("="),
    "parameters": by_query("a=b&"),
    "parameters escaped": by_query("%61=%62&"),
    "parameters to keep": by_query("utm_a=%C3%A4&"),
    "parameters without value": by_query("a=&"),
    "question marks": by_query("?"),
    "second queries": by_query("?utm_a=b"),
    "queries out of HTML": by_query("amp;"),
    "campaign long": by_query("%C3%A4", "utm_campaign="),
    "campaign mixed": by_query("%C3a", "utm_campaign="),
    "campaign unprintable": by_query("%00", "utm_campaign="),
    "campaign controls": by_query("a%1B", "utm_campaign="),
    "campaign white space": by_query("a%E3%80%80%C2%A0", "utm_campaign="),
    "campaign joiners": by_query("%E2%80%8D", "utm_campaign="),
    "campaign pluses": by_query("+", "utm_campaign="),
    "source dots": by_query("a.", "utm_source="),
    "data lists": by_data(b"[],"),
    "data objects": by_data(b"{},"),
    "data strings": by_data(b'"",'),
    "data escapes": by_data(b'"\\u0001",'),
    "data numbers": by_data(b"1,"),
    "data decimals": by_data(b"1.5,"),
    "data exponents": by_data(b"1e9,"),
    "data vast exponents": by_data(b"1e999999999,"),
    "data long number": batch(lambda _, size: raw("data", b'{"a":' + b"9" * size + b"}")),
    "data long fraction": batch(lambda _, size: raw("data", b'{"a":0.' + b"0" * size + b"1}")),
    "data keys": batch(lambda new, size: event(data={f"{new}{n}": "é" * (size // 80) for n in range(32)})),
    "data deep": batch(lambda _, size: raw("data", b'{"a":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}")),
    "data barely deep": by_data(b"[" * 15 + b"]" * 15 + b","),
    "data one deep": single(lambda _, s: raw("data", b'{"a":' * (s // 6) + b"1" + b"}" * (s // 6))),
    "data one of lists": in_one("data", b'{"a":[', b"[],", b"1]}"),
    "data one of objects": in_one("data", b'{"a":[', b"{},", b"1]}"),
    "data one of numbers": in_one("data", b'{"a":[', b"1,", b"1]}"),
    "data one of decimals": in_one("data", b'{"a":[', b"1.5,", b"1]}"),
    "data one of keys": single(lambda _, size: event(data={str(n): 1 for n in range(size // 9)})),
    "unknown fields": single(lambda _, size: event(**{f"f{n}": 1 for n in range(size // 10)})),
    "unknown fields of nothing": single(lambda _, size: event(**{f"f{n}": None for n in range(size // 13)})),
    "unknown lists": in_one("x", b"[", b"[],", b"1]"),
    "unknown objects": in_one("x", b"[", b'{"a":1},', b"1]"),
    "integer": in_one("seq", b"", b"9", b""),
    "unknown integer": in_one("x", b"", b"9", b""),
    "unknown fraction": in_one("x", b"0.", b"0", b"1"),
    "integers": batch(lambda _, size: raw("seq", b"9" * size)),
    "scroll fraction": batch(lambda _, size: raw("scroll", b"1." + b"9" * size)),
    "scroll exponent": batch(lambda _, size: raw("scroll", b"1e-999999999999", title="a" * (size // 2))),
    "amount exponent": batch(lambda _, size: raw("revenue", b"1e999999", title="a" * (size // 2))),
    "amount of nothing": batch(lambda _, size: raw("revenue", b"0e999999999", title="a" * (size // 2))),
    "amount digits": batch(lambda _, size: raw("revenue", b"9" * size)),
    "amount fraction": batch(lambda _, size: raw("revenue", b"0." + b"9" * size)),
    "amount tiny": batch(lambda _, size: raw("revenue", b"1e-999999999999", title="a" * (size // 2))),
    "amounts text": batch(lambda _, size: event(revenue="0." + "9" * size)),
    "amounts of spaces": batch(lambda _, size: event(revenue=" " * size)),
    "ids of digits": batch(lambda _, size: raw("visitor", b"9" * min(size, 4_000), id=7)),
    "ids of decimals": batch(lambda _, size: raw("id", b"0." + b"9" * size)),
    "clocks with fractions": batch(lambda _, size: raw("at", b"1." + b"9" * size)),
    "clocks beyond any": batch(lambda _, size: raw("at", b"1e999999", title="a" * (size // 2))),
    "amount text": single(lambda _, size: event(revenue="9" * size)),
    "revenue fields": single(lambda _, size: event(revenue={str(n): 1 for n in range(size // 11)})),
    "screen": in_one("screen", b"[", b'"",', b"1]"),
    "screen of lists": in_one("screen", b"[", b"[],", b"1]"),
    "type": single(lambda _, size: event(type="é" * (size // 2))),
    "type of spaces": single(lambda _, size: event(type=" " * size)),
    "types of combining": batch(lambda _, __: event(type="\u0301" * 64, id="\u0301" * 64, title="\u0301" * 1000)),
    "titles": batch(lambda _, size: raw("title", b'"' + repeated(b"\\u00e9", size) + b'"')),
    "title of nothing": batch(lambda _, size: raw("title", b'"' + repeated(b"\\u0000", size) + b'"')),
    "data of nothing": by_data(b'"\\u0000",'),
    "data of nothing behind backslashes": by_data(b'"\\\\\\u0000",'),
    "type of white space": batch(lambda _, size: event(type="a" + "\u3000" * (size // 3))),
    "type of white space and letters": batch(lambda _, size: event(type="a\u3000" * (size // 4))),
    "type of controls": batch(lambda _, size: raw("type", b'"' + repeated(b"\\u0007", size) + b'"')),
    "titles too long": single(lambda _, size: event(title="é" * (size // 2))),
    "urls too long": single(lambda new, size: event(url=f"https://example.com/{new}/" + "ä" * (size // 2))),
    "referrers too long": single(
        lambda new, size: event(referrer=f"https://{new}.com/?utm_source=" + "ä" * (size // 2))
    ),
    "halves as bytes": batch(lambda _, size: raw("title", b'"' + repeated(b"\xed\xa0\xbd", size) + b'"')),
    "halves behind backslashes": batch(lambda _, size: raw("title", b'"' + repeated(rb"\\\ud83d", size) + b'"')),
    "halves the wrong way round": batch(
        lambda _, size: raw("data", b'{"' + repeated(rb"\ude00\ud83d", size) + b'":1}')
    ),
    "backslashes and a half": batch(lambda _, size: raw("title", b'"' + repeated(rb"\\", size - 8) + rb'\ud83d"')),
    "Korean and a half": batch(lambda _, size: raw("title", b'"' + repeated("훟".encode(), size - 8) + rb'\ud83d"')),
    "one half": lambda: batch(plain)()[:-2] + b',"title":"\\ud83d"}]',
    "surrogates": batch(lambda _, size: raw("title", b'"' + repeated(b"\\ud800", size) + b'"')),
    "surrogate pairs": batch(lambda _, size: raw("title", b'"' + repeated(b"\\ud83d\\ude00", size) + b'"')),
    "everything wrong": batch(lambda _, __: json.dumps({name: [{}] for name in WRONG}).encode()),
    "broken last": lambda: batch(plain)()[:-2] + b",x}]",
    "broken each": batch(lambda new, size: plain(new, size)[:-1] + b',"q":x}'),
    "broken each at its end": batch(lambda new, size: plain(new, size)[:-1] + b"x}"),
    "broken UTF-8": batch(lambda new, size: plain(new, size).replace(b"value", b"valu\xff")),
    "broken after members": batch(lambda _, size: b"{" + repeated(b'"":1,', size) + b'"a":x}'),
    "broken member last": whole(b"{", b'"":1,', b'"a":x}'),
    "broken without keys": whole(b"{", b":1,", b'"a":x}'),
    "broken below": whole(b'{"revenue":{', b'"":0,', b'"a":x}}'),
    "broken after lists": whole(b'{"a":[', b"[],", b"x]}"),
    "broken commas": whole(b"[", b",", b"]"),
    "broken lists": whole(b"[", b"[]", b"]"),
    "broken objects": whole(b"[", b"{}", b"x]"),
    "broken lists apart": whole(b"[{", b"[],", b"}]"),
    "broken nests": batch(lambda _, size: b'{"a":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}"),
    "broken nest": lambda: b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
    "broken nest of objects": lambda: b"[" + b'{"a":' * (SIZE // 6) + b"1" + b"}" * (SIZE // 6) + b"]",
    "broken nests by turns": whole(b"[", b"[[{}]" * 2 + b"]]", b"x]"),
    "broken open": whole(b"", b"["),
    "broken strings": whole(b"[", b'""', b"x]"),
    "broken quotes": whole(b"[", b'"', b"]"),
    "broken escapes": whole(b'["', b'\\"', b"]"),
    "broken backslashes": whole(b'["', b"\\", b'"]'),
    "broken colons": whole(b"{", b":", b"}"),
    "spaces": whole(b"", b" ", b"x"),
    "numbers": whole(b"[", b"1,", b"1]"),
    "objects": whole(b"[", b"{},", b"{}]"),
    "empty events": lambda: b"[" + b",".join([b"{}"] * 100) + b"]",
}
