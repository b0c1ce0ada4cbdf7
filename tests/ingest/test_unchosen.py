"""What a page does not choose costs no event: half characters, numbers for ids, clocks, long urls and titles."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.batch import read
from ingest.contract.event import Revenue
from ingest.contract.field import MAX_URL
from tests.ingest.test_incoming import GOOD, one, with_member

COMPACT: Any = {"separators": (",", ":"), "ensure_ascii": False}


@pytest.mark.parametrize("field", ["title", "referrer", "url", "visitor", "view", "id", "type"])
@pytest.mark.parametrize(
    ("half", "whole"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\uDE00", "\ufffd"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83d\ude00\ude00", "😀\ufffd"),
        (rb"\\\ud83d", "\\\ufffd"),
        (rb"\ud83d\\ude00", "\ufffd\\ude00"),
        (rb"\\ud83d\ude00", "\\ud83d\ufffd"),
        (rb"\\\\ud83d \udfff", r"\\ud83d " + "\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd\ufffd"),
        ("\ud7ff\ue000 ".encode() + rb"\udc00", "\ud7ff\ue000 \ufffd"),
    ],
)
def test_half_a_character_is_a_replacement_character(field: str, half: bytes, whole: str) -> None:
    """Every `slice()` through an emoji makes one; a page chooses neither its titles nor what people type."""
    start = "https://example.com/" if field in ("url", "referrer") else "a"
    batch = read(b"[" + with_member(b'"%s":"%s%sb"' % (field.encode(), start.encode(), half)) + b"]")
    assert batch.problems == []
    assert getattr(batch.events[0][1], field) == start + whole + "b"


def test_half_a_character_in_data_and_beside_an_event_is_a_replacement_character() -> None:
    batch = read(b"[" + with_member(rb'"data":{"a\ud800":["\udfff",{"\\ud83d":"\ud83d"}]}') + b"," + GOOD + b"]")
    assert batch.problems == []
    assert batch.events[0][1].data == json.dumps({"a\ufffd": ["\ufffd", {"\\ud83d": "\ufffd"}]}, **COMPACT)
    whole = one(revenue={"amount": 1, "transaction": "o\udc00"}, unknown="\ud800").revenue
    assert whole is not None and whole.transaction == "o\ufffd"


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("\\\ud83d\ude00\0u"), max_size=20))
def test_any_string_of_javascript_is_a_title_and_data(text: str) -> None:
    half = re.sub(
        "[\ud800-\udfff\0]", "\ufffd", text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    )
    for event in (one(title=text, data={text: text}), one(data={"a": [text, {text: None}]}, title=text)):
        assert event.title == half
        assert half in json.loads(event.data) or json.loads(event.data)["a"] == [half, {half: None}]


def test_nul_costs_no_event() -> None:
    event = one(title="a\0b", view="\0", visitor="\0", url="https://a.de/\0?utm_source=\0", data={"\0": "\\u0000\0"})
    assert (event.title, event.view, event.data) == ("a\ufffdb", "\ufffd", '{"\ufffd":"\\\\u0000\ufffd"}')
    assert one(revenue={"amount": 1, "transaction": "\0"}).revenue.transaction == "\ufffd"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("posted", "text"),
    [
        (b"7", "7"),
        (b"1001", "1001"),
        (b"-5", "-5"),
        (b"0", "0"),
        (b"1.5", "1.5"),
        (b"123456789012345680000", "123456789012345680000"),
        (b"1e+21", "1e+21"),
        (b"1.5e-7", "1.5e-7"),
        (b"0.000001", "0.000001"),
        (b"5e-324", "5e-324"),
        (b"1.7976931348623157e+308", "1.7976931348623157e+308"),
    ],
)
def test_a_number_for_an_id_is_its_text(posted: bytes, text: str) -> None:
    """As JavaScript would have written it."""
    for field in ("id", "visitor", "view", "title"):
        batch = read(with_member(b'"%s":%s' % (field.encode(), posted)))
        assert getattr(batch.events[0][1], field) == text
    batch = read(with_member(b'"revenue":{"amount":1,"transaction":' + posted + b"}"))
    assert batch.events[0][1].revenue == Revenue(10_000, "", text)


def test_clocks_and_screens_may_have_fractions() -> None:
    event = one(at=-86_399_999.6, sent_at=1_764_000_000_000.5, seq=3.0, engaged_ms=1234.5, screen=[1440.4, 899.5])
    assert (event.at, event.sent_at, event.seq) == (-86_400_000, 1_764_000_000_001, 3)
    assert (event.engaged_ms, event.screen) == (1235, (1440, 900))
    assert one(screen=[None, None]).screen is None


def test_what_a_page_does_not_choose_is_cut_and_never_refused() -> None:
    long = "https://example.com/?utm_source=news&state=" + "x" * 30_000
    event = one(url=long, referrer=long, title="é" * 1001)
    assert (event.url, event.referrer, event.title) == (long, long, "é" * 1000)
    vast = one(url="https://example.com/" + "a" * 90_000, referrer="https://a.de/" + "ä" * 65_536)
    assert len(vast.url) == len(vast.referrer) == MAX_URL
