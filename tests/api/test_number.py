"""Rounding and shares."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.number import money, percent, ratio, shares

COUNTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (1, 3, 0.33),
        (2, 3, 0.67),
        (1, 200, 0.01),
        (-1, 200, -0.01),
        (1, 201, 0.0),
        (5, 0, 0.0),
        (Decimal("2.675"), 1, 2.68),
    ],
)
def test_two_decimals_half_away_from_zero(part: Decimal | int, whole: int, expected: float) -> None:
    assert ratio(part, whole) == expected


def test_a_per_cent_of_nothing_is_nothing() -> None:
    assert percent(0, 0) == 0.0
    assert percent(1, 3) == 33.33
    assert percent(1, 800) == 0.13  # 0.125


@given(st.decimals(-(10**9), 10**9, places=4), st.integers(1, 10**6))
def test_ratio_is_the_decimal_quotient_rounded_half_up(part: Decimal, whole: int) -> None:
    exact = Decimal(ratio(part, whole)).quantize(Decimal("0.01"))
    assert abs(exact - part / whole) <= Decimal("0.005")
    if (part * 1000 % whole) == 0:  # the quotient has at most three decimals, so decimal arithmetic is exact too
        assert exact == (part / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1, 1, 1, 0], [33.34, 33.33, 33.33, 0.0]),
        ([1, 1, 1, 3], [16.67, 16.67, 16.66, 50.0]),
        ([0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0]),
        ([0, 0, 0, 7], [0.0, 0.0, 0.0, 100.0]),
        ([1, 2, 4, 0], [14.29, 28.57, 57.14, 0.0]),
    ],
)
def test_shares_by_largest_remainder(counts: list[int], expected: list[float]) -> None:
    assert shares(counts) == expected


@given(COUNTS)
def test_shares_sum_to_a_hundred_and_lie_within_a_hundredth_of_the_truth(counts: list[int]) -> None:
    found = [Decimal(str(share)) for share in shares(counts)]
    whole = sum(counts)
    assert sum(found) == (100 if whole else 0)
    for share, count in zip(found, counts, strict=True):
        assert whole == 0 or abs(share * whole - 100 * count) < Decimal("0.01") * whole


@given(COUNTS)
def test_a_larger_count_has_no_smaller_share(counts: list[int]) -> None:
    ordered = sorted(counts)
    assert shares(ordered[::-1]) == sorted(shares(ordered[::-1]), reverse=True)


# From 2^39 on, numbers of JSON readers lie further apart than a ten-thousandth: 550 thousand million.
@given(st.integers(-(2**39) * 10**4, 2**39 * 10**4))
def test_money_is_the_same_four_decimals_in_json(ten_thousandths: int) -> None:
    amount = Decimal(ten_thousandths).scaleb(-4)
    assert Decimal(repr(money(amount))) == amount
