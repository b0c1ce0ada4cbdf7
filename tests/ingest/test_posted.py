"""The straight way to events and the one that names what is wrong: they accept the same, as equal events."""

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from ingest.contract import batch
from ingest.contract.batch import Batch
from ingest.contract.field import MAX_URL
from ingest.contract.incoming import Incoming
from ingest.contract.posted import MAX_DATE, MAX_TIME, Posted, finish, read_at_once
from tests.ingest.asked import BODIES, RIGHT, WRONG
from tests.ingest.fake import TRACKING_ID, an_event
from tests.ingest.test_incoming import BAD, with_member


def run(reading: Callable[[bytes], Generator[None, None, Batch]], body: bytes) -> Batch:
    steps = reading(body)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Batch = stop.value
            return found


def at_once(body: bytes) -> list[Posted] | None:
    """What needs no closer look."""
    posted = read_at_once(body)
    finished = [finish(one) for one in posted or []]
    return None if posted is None or None in finished else [one for one in finished if one is not None]


def the_same(body: bytes) -> None:
    plain, close = run(batch.reading, body), run(batch._reading_closely, body)  # noqa: SLF001
    assert [(index, astuple(event)) for index, event in plain.events] == [
        (index, astuple(event)) for index, event in close.events
    ]
    assert (plain.size, plain.problems) == (close.size, close.problems)


LENGTHS = [0, 1, 63, 64, 65, 127, 128, 129, 1000, 1001]
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(LENGTHS).map(lambda length: "a" * length),
    st.sampled_from(
        [
            *(" a ", "\u00a0a", "a\u200b", "é", "👩\u200d🔧", "\x1c", "\0", "\ue000", "a b", "\u2028", "\ud800"),
            *("a  b", "a\n\u3000b", "\u202ea", "a\u2069", "\x85", "\ud83d\ud83d\ude00", "\\ud83d\ude00", "\\u0000"),
        ]
    ),
    st.sampled_from(
        ["EUR", "eur", "eur\n", "ÄÄÄ", "1.5", "+1.2345", "1e3", "-0", "1.23456", "9" * 15, " 1e-7 ", ".5", "."]
    ),
)
NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 98, 100, 101, 65_535, 65_536, 86_400_000, 86_400_001, 2**53 - 1, 2**53, 10**14, 2**70]),
    st.sampled_from(
        [0.0, 1.0, 12.34, 97.995, 97.999, 99.9, 100.001, -1e-9, 1e300, 0.00001, 19.9, MAX_TIME, MAX_TIME + 1]
    ),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-MAX_DATE, -MAX_DATE - 1, MAX_DATE + 1, 1.5, 59.699999999999996, -0.00005, 10**14 - 0.0001]),
)
URLS = st.sampled_from(
    [
        "https://a.de/",
        "HTTP://A.de",
        " https://a.de",
        "\thttps://a.de\n",
        "https://",
        "https://[::1]:99/x",
        "ftp://a.de/",
        "https://ä.de/",
        "https://a..de/",
        "http\u017f://a.de",
        "//a.de",
        "https://a.de/" + "a" * (MAX_URL - 13),
        "https://a.de/" + "a" * (MAX_URL - 12),
        "https://faß.😀/?utm_source=a\ud83d",
        "https://a@b:99999/",
        "https://\x1ca.de",
        "https://a.de/?utm_source=x",
    ]
)
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "site": st.just(TRACKING_ID) | TEXTS,
    "url": URLS,
    "unknown": JUNK,
    "screen": st.lists(NUMBERS, min_size=1, max_size=3),
    "data": st.dictionaries(TEXTS, JUNK, max_size=3),
    "revenue": st.fixed_dictionaries(
        {},
        optional={"amount": TEXTS | NUMBERS | JUNK, "currency": TEXTS | JUNK, "transaction": TEXTS | JUNK, "x": JUNK},
    ),
    **dict.fromkeys(("type", "id", "visitor", "view", "referrer", "title"), TEXTS),
    **dict.fromkeys(("at", "sent_at", "seq", "scroll", "engaged_ms"), NUMBERS),
}


@st.composite
def an_odd_event(draw: st.DrawFn) -> dict[str, Any]:
    """A good event but for up to three of its fields."""
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=3))
    return an_event(**{name: draw(FIELDS[name] | JUNK) for name in names})


@given(an_odd_event())
@example(an_event(type="é\u00a0"))
def test_an_event_is_the_same_on_both_ways(event: dict[str, Any]) -> None:
    the_same(json.dumps(event).encode())


@given(st.lists(an_odd_event() | JUNK, max_size=3), st.booleans())
def test_a_batch_is_the_same_on_both_ways(events: list[Any], ascii_only: bool) -> None:
    the_same(json.dumps(events, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=100), st.integers(0, 400))
def test_broken_text_is_the_same_on_both_ways(noise: bytes, at: int) -> None:
    text = json.dumps([RIGHT["everything"], RIGHT["plain"]]).encode()
    the_same(text[:at] + noise + text[at:])
    the_same(text[:at] + noise + text[at + len(noise) :])


def test_what_is_known_to_be_awkward_is_the_same_on_both_ways() -> None:
    for member, _ in BAD:
        the_same(with_member(member))
        the_same(b"[" + with_member(member) + b"]")
    for body in [*BODIES.values(), *(json.dumps(one).encode() for one in (*RIGHT.values(), *WRONG.values()))]:
        the_same(body)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "batch",
        "everything",
        "cookieless",
        "revenue bare",
        "places in the body",
        "long url, clock before 1970",
        "emoji type",
        "two spaces",
    ],
)
def test_what_the_script_and_backends_send_needs_no_closer_look(name: str) -> None:
    events = at_once(json.dumps(RIGHT[name]).encode())
    assert events is not None and len(events) == {"batch": 100, "places in the body": 3}.get(name, 1)


def test_both_know_the_same_fields() -> None:
    assert list(Posted.__struct_fields__) == list(Incoming.model_fields)
