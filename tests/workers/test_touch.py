"""What an earlier build left, whose events said nothing of channels and places: on the log, in Redis, decided."""

import msgspec

from ingest.contract.event import Event, Touch, decode, encode
from rollups.rows import TOUCH
from tests.api.answer.made import session
from workers.memory import Item
from workers.read import line
from workers.visitor import Copy

WHO = {"site": "abcdef", "visitor": "00000000000000aa", "id": "e1", "type": "pageview", "time": 5, "received": 5}
URL = "https://www.shop.example/a?utm_medium=Email&utm_term=t"


def test_a_line_of_before_says_what_its_url_tells() -> None:
    found = line(msgspec.json.encode({"kind": "event", **WHO, "v": 1, "url": URL, "source": "x"}))
    assert isinstance(found, Event)
    assert found.touch == Touch("email", "t", "", "Email", "shop.example")


def test_a_line_of_now_is_believed() -> None:
    touch = Touch("cpc", "a", "b", "Paid Search", "shop.example", "DE-BE", "Berlin")
    event = Event(**WHO, url=URL, touch=touch)  # type: ignore[arg-type]
    found = line(encode([event]).rstrip(b"\n"))
    assert found == event


def test_an_event_that_says_nothing_is_as_long_as_before() -> None:
    assert b"touch" not in encode([Event(**WHO)])  # type: ignore[arg-type]
    assert decode(encode([Event(**WHO)]).rstrip(b"\n")) == Event(**WHO)  # type: ignore[arg-type]


def test_a_nul_in_it_is_refused() -> None:
    event = Event(**WHO, touch=Touch(channel="Direct", city="a\0"))  # type: ignore[arg-type]
    try:
        line(encode([event]).rstrip(b"\n"))
    except ValueError as error:
        assert "NUL" in str(error)
    else:
        raise AssertionError


def test_states_and_decisions_of_before_are_read() -> None:
    item = Item.of(Event(**WHO))  # type: ignore[arg-type]
    old = msgspec.msgpack.encode(list(msgspec.structs.astuple(item))[:-1])
    assert msgspec.msgpack.decode(old, type=Item) == item
    row = session("00000000000000aa", 5)
    assert set(row[-len(TOUCH) :]) == {""}
    copy = msgspec.msgpack.encode(["e1", 1, list(row)[: -len(TOUCH)]])
    assert msgspec.msgpack.decode(copy, type=Copy) == Copy("e1", 1, row)
