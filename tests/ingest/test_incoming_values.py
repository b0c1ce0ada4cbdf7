"""What a posted value becomes: amounts, depths, types."""

import json
from typing import Any

import pytest

from ingest.contract.batch import read
from tests.ingest.fake import an_event
from tests.ingest.test_incoming import one, with_member


@pytest.mark.parametrize(
    ("posted", "amount"),
    [
        (b'"19.90"', 199_000),
        (b"19.90", 199_000),
        (b"0.1", 1_000),
        (b"-5", -50_000),
        (b'"+1.2345"', 12_345),
        (b"1e2", 1_000_000),
        (b"0", 0),
        (b"0e999999", 0),
        (b"1e-999999", 0),
        (b"-0.0", 0),
        (b"59.699999999999996", 597_000),
        (b'"0.30000000000000004"', 3_000),
        (b"1e-7", 0),
        (b'"1e-7"', 0),
        (b"5.97e1", 597_000),
        (b'"5.97e+1"', 597_000),
        (b'"1E3"', 10_000_000),
        (b'" 19.90 "', 199_000),
        (b'".5"', 5_000),
        (b'"5."', 50_000),
        (b"1.00005", 10_001),
        (b"-1.00005", -10_001),
        (b"1.000049999999999999999999999999999999999999999999999999", 10_000),
        (b'"-0.00005"', -1),
        (b"99999999999999.99994", 999_999_999_999_999_999),
        (b"99999999999999.9999", 999_999_999_999_999_999),
        (b'"99999999999999.9999"', 999_999_999_999_999_999),
    ],
)
def test_an_amount_is_exact(posted: bytes, amount: int) -> None:
    for member in (b'"revenue":{"amount":' + posted + b"}", b'"revenue":' + posted):
        batch = read(with_member(member))
        assert batch.problems == []
        revenue = batch.events[0][1].revenue
        assert revenue is not None
        assert revenue.amount == amount


def test_a_currency_is_upper_case_and_may_be_missing() -> None:
    assert one(revenue={"amount": 1, "currency": "eur"}).revenue.currency == "EUR"  # type: ignore[union-attr]
    assert one(revenue={"amount": 1}).revenue.currency == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("scroll", "stored"),
    [(0, 0), (-0.0, 0), (33.335, 3334), (97.99, 9799), (97.999, 9800), (98, 10_000), (100, 10_000), (100.0001, 10_000)],
)
def test_a_scroll_depth_is_in_hundredths_and_98_counts_as_100(scroll: float, stored: int) -> None:
    assert one(scroll=scroll).scroll == stored


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Ünïcode 👩\u200d💻 ", "Ünïcode 👩\u200d💻"),
        ("a" * 64, "a" * 64),
        (" " * 300 + "a" * 31 + "\u3000\n\u00a0" * 100 + "a" * 32, "a" * 31 + " " + "a" * 32),
        ("Sign\r\n\t up\u2028now\u0085", "Sign up now"),
        ("ثبت\u200cنام", "ثبت\u200cنام"),
        ("\u200fשלום\u200e", "\u200fשלום\u200e"),
        ("क्\u200dष", "क्\u200dष"),
        ("soft\u00adhyphen\ufeff", "soft\u00adhyphen\ufeff"),
        ("half \ud83d", "half \ufffd"),
        ("\ue000\U000f0000", "\ue000\U000f0000"),
    ],
)
def test_a_type_is_trimmed_and_keeps_its_case_its_joiners_and_marks(sent: str, kept: str) -> None:
    assert one(type=sent).type == kept


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"visitor": "a" * 129}, "128"),
        ({"id": "a" * 65}, "64"),
        ({"view": "a" * 65}, "64"),
        ({"type": "a" * 65}, "64"),
        ({"site": "a" * 65}, "64"),
        ({"revenue": {"amount": 1, "transaction": "a" * 129}}, "128"),
        ({"revenue": {"amount": "1" * 15}}, "14 digits"),
        ({"revenue": {"amount": 1, "currency": "EURO"}}, "three letters"),
        ({"data": {str(n): n for n in range(33)}}, "32 keys"),
        ({"data": {"a": "a" * 4096}}, "4096 bytes"),
        ({"screen": [1, 2, 3]}, "two integers from 0 to 65535"),
        ({"screen": [1, 70_000]}, "65535"),
        ({"scroll": 101}, "0 to 100"),
        ({"engaged_ms": 86_400_001}, "86400000"),
        ({"seq": 2**53}, str(2**53 - 1)),
        ({"at": 10**16}, "8640000000000000"),
    ],
)
def test_an_error_says_the_limit_of_its_field(fields: dict[str, Any], limit: str) -> None:
    (problem,) = read(json.dumps(an_event(**fields)).encode()).problems
    assert problem.field.partition(".")[0] in fields
    assert limit in problem.message
