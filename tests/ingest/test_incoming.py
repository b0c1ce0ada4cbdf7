"""Bad input by field: every way in which an event can be wrong, and that the others of its batch are accepted."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.batch import MAX_EVENTS, Batch, read
from ingest.contract.incoming import Incoming
from ingest.contract.posted import Posted
from tests.ingest.fake import an_event

GOOD = json.dumps(an_event()).encode()


def with_member(member: bytes) -> bytes:
    """A good event whose last member is raw text; the last of repeated members stands."""
    return GOOD[:-1] + b"," + member + b"}"


def only_problem(batch: Batch) -> tuple[int, str]:
    assert len(batch.problems) == 1, batch.problems
    return batch.problems[0].index, batch.problems[0].field


def one(**fields: Any) -> Posted:
    batch = read(json.dumps(an_event(**fields)).encode())
    assert batch.problems == []
    return batch.events[0][1]


BAD = [
    (b'"site":5', "site"),
    (b'"site":""', "site"),
    (b'"site":"' + b"a" * 65 + b'"', "site"),
    (b'"site":null', "site"),
    (b'"type":7', "type"),
    (b'"type":"  "', "type"),
    (b'"type":"' + b"a" * 65 + b'"', "type"),
    (b'"type":"a\\u0000"', "type"),
    (b'"type":"a\\u001fb"', "type"),
    (b'"type":"a\\u0090"', "type"),
    (b'"type":"\\u202eab"', "type"),
    (b'"type":"a\\u2068b"', "type"),
    (b'"id":true', "id"),
    (b'"id":"a\\nb"', "id"),
    (b'"at":-8640000000000001', "at"),
    (b'"visitor":false', "visitor"),
    (b'"visitor":' + b"1" * 129, "visitor"),
    (b'"revenue":{"amount":"1e14"}', "revenue.amount"),
    (b'"revenue":{"amount":"99999999999999.99995"}', "revenue.amount"),
    (b'"revenue":{"amount":"."}', "revenue.amount"),
    (b'"revenue":{"amount":"' + b"0" * 401 + b'"}', "revenue.amount"),
    (b'"revenue":{"amount":1,"transaction":[]}', "revenue.transaction"),
    (b'"scroll":100.005', "scroll"),
    (b'"url":[]', "url"),
    (b'"url":"/pricing"', "url"),
    (b'"url":"javascript:alert(1)"', "url"),
    (b'"url":"https://"', "url"),
    (b'"id":""', "id"),
    (b'"id":"' + b"a" * 65 + b'"', "id"),
    (b'"at":"1764000000000"', "at"),
    (b'"at":true', "at"),
    (b'"at":NaN', "at"),
    (b'"at":1e400', "at"),
    (b'"at":' + b"9" * 5000, "at"),
    (b'"sent_at":Infinity', "sent_at"),
    (b'"seq":-1', "seq"),
    (b'"visitor":"' + b"a" * 129 + b'"', "visitor"),
    (b'"view":"' + b"a" * 65 + b'"', "view"),
    (b'"referrer":{}', "referrer"),
    (b'"title":"\xff"', "title"),
    (b'"title":"\x00"', "title"),
    (b'"screen":[1]', "screen"),
    (b'"screen":"1x1"', "screen"),
    (b'"screen":[1,"2"]', "screen.1"),
    (b'"screen":[-1,2]', "screen.0"),
    (b'"data":[]', "data"),
    (b'"data":"a"', "data"),
    (b'"data":{"a":NaN}', "data"),
    (b'"data":{"a":"\xff"}', "data"),
    (b'"data":' + b'{"a":' * 30_000 + b"1" + b"}" * 30_000, "data"),
    (b'"data":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "data"),
    (b'"data":{"a":' + b"[" * 33 + b"]" * 33 + b"}", "data"),
    (b'"data":' + json.dumps({str(n): n for n in range(33)}).encode(), "data"),
    (b'"data":' + json.dumps({"a": {str(n): n for n in range(32)}}).encode(), "data"),
    (b'"data":{"a":"' + b"a" * 4096 + b'"}', "data"),
    (b'"revenue":true', "revenue"),
    (b'"revenue":[1]', "revenue"),
    (b'"revenue":{}', "revenue.amount"),
    (b'"revenue":{"amount":null}', "revenue.amount"),
    (b'"revenue":{"amount":true}', "revenue.amount"),
    (b'"revenue":{"amount":"1,5"}', "revenue.amount"),
    (b'"revenue":{"amount":"1_0"}', "revenue.amount"),
    (b'"revenue":{"amount":"NaN"}', "revenue.amount"),
    (b'"revenue":{"amount":NaN}', "revenue.amount"),
    (b'"revenue":{"amount":100000000000000}', "revenue.amount"),
    (b'"revenue":{"amount":1e999999}', "revenue.amount"),
    (b'"revenue":{"amount":1,"currency":"EURO"}', "revenue.currency"),
    (b'"revenue":{"amount":1,"currency":5}', "revenue.currency"),
    (b'"revenue":{"amount":1,"currency":"\xc3\x84\xc3\x84\xc3\x84"}', "revenue.currency"),
    (b'"revenue":{"amount":1,"transaction":"' + b"a" * 129 + b'"}', "revenue.transaction"),
    (b'"scroll":101', "scroll"),
    (b'"scroll":-0.1', "scroll"),
    (b'"scroll":"50"', "scroll"),
    (b'"scroll":true', "scroll"),
    (b'"engaged_ms":-1', "engaged_ms"),
    (b'"engaged_ms":86400001', "engaged_ms"),
]


@pytest.mark.parametrize(("member", "field"), BAD, ids=[f"{field}-{n}" for n, (_, field) in enumerate(BAD)])
def test_bad_input_names_its_field_and_spares_the_others(member: bytes, field: str) -> None:
    """S8, and "Bad input": `{index, field, message}` for one event, the other events of the batch still accepted."""
    alone = read(with_member(member))
    assert only_problem(alone) == (0, field)
    assert alone.events == []

    batch = read(b"[" + b",".join([GOOD, with_member(member), GOOD]) + b"]")
    assert only_problem(batch) == (1, field)
    assert [index for index, _ in batch.events] == [0, 2]
    assert batch.size == 3


@pytest.mark.parametrize("field", ["site", "type", "url"])
def test_a_missing_field_is_named(field: str) -> None:
    event = an_event()
    del event[field]
    batch = read(json.dumps(event).encode())
    assert only_problem(batch) == (0, field)
    assert batch.problems[0].message == "is missing"


def test_every_wrong_field_of_an_event_is_named() -> None:
    batch = read(json.dumps(an_event(url=5, seq="x", revenue={"amount": "x", "currency": 1})).encode())
    assert [problem.field for problem in batch.problems] == ["url", "seq", "revenue.amount", "revenue.currency"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[",
        b"[]",
        b"[ ]",
        b"null",
        b"5",
        b'"a"',
        b"{",
        b'{"site',
        b"\xff\xfe",
        b"a=b&c=d",
        b"[" * 30_000 + b"]" * 30_000,
        b"[" * 100_000,
        b'{"a":' * 30_000,
        b'["' + b"\\" * 100_000,
        b'"' * 100_001,
        b"[" + b",".join([GOOD] * (MAX_EVENTS + 1)) + b"]",
        b"[" + b",".join([with_member(b'"at":NaN')] * (MAX_EVENTS + 1)) + b"]",
    ],
    ids=range(19),
)
def test_a_body_without_usable_events_is_one_problem(body: bytes) -> None:
    """S8: whatever breaks parsers."""
    batch = read(body)
    assert batch.events == []
    assert only_problem(batch) == (0, "")


def test_elements_that_are_no_objects_are_named_by_their_index() -> None:
    batch = read(b"[" + GOOD + b',5,null,"a",[],NaN]')
    assert [(problem.index, problem.field) for problem in batch.problems] == [(n, "") for n in (1, 2, 3, 4, 5)]
    assert len(batch.events) == 1


def test_a_full_batch_and_a_byte_order_mark_are_fine() -> None:
    batch = read(b"\xef\xbb\xbf[" + b",".join([GOOD] * MAX_EVENTS) + b"]")
    assert len(batch.events) == MAX_EVENTS


def test_unknown_fields_are_ignored_and_null_is_missing() -> None:
    event = one(colour="red", referrer=None, revenue=None, scroll=None, id=None)
    assert (event.referrer, event.revenue, event.scroll, event.id) == ("", None, None, None)
    assert one(revenue={"amount": 1, "currency": None}).revenue is not None


def test_an_event_without_a_place_has_that_in_its_body() -> None:
    body = [an_event(), 5, an_event(), an_event(seq=0), an_event(seq=None), an_event(title="\ud800")]
    for events in (body, body[2:5]):
        batch = read(json.dumps(events).encode())
        at = {index: event.seq or 0 for index, event in batch.events}
        own = 3 if events is body else 1
        assert at == {index: 0 if index == own else index for index in at}


def test_data_keeps_its_digits_and_order() -> None:
    batch = read(with_member(b'"data": {"b": 1.10, "a": [1, {"c": null}], "n": 12345678901234567890123}'))
    assert batch.events[0][1].data == '{"b":1.10,"a":[1,{"c":null}],"n":12345678901234567890123}'


def test_data_at_its_limits_is_accepted() -> None:
    assert one(data={str(n): n for n in range(32)}).data
    nested = '{"a":' * 32 + "1" + "}" * 32  # a key on every level
    assert one(data=json.loads(nested)).data == nested
    assert len(one(data={"a": "a" * (4096 - 8)}).data) == 4096
    assert one(data={}).data == ""


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ue0dNa1.-', max_size=200).map(str.encode))
def test_reading_a_body_never_raises(body: bytes) -> None:
    """S8: fuzzing of the parser."""
    batch = read(body)
    assert len(batch.events) + len(batch.problems) >= 1
    assert len(read(b"[" + body + b"]").events) <= MAX_EVENTS


@given(
    st.dictionaries(
        st.sampled_from(sorted(Incoming.model_fields)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        ),
    )
)
def test_any_json_in_any_field_is_an_event_or_a_named_problem(fields: dict[str, Any]) -> None:
    """S8: no field can break validation, and what is valid can be written to the log."""
    batch = read(json.dumps(an_event(**fields)).encode())
    assert (len(batch.events) == 1) != bool(batch.problems)
    for _, event in batch.events:
        assert msgspec.json.encode(event)
    for problem in batch.problems:
        assert problem.field.partition(".")[0] in Incoming.model_fields
