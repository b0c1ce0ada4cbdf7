"""Numbers of answers: exact until the last step, then two decimals, half away from zero."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def ratio(part: Fraction | Decimal | int, whole: int) -> float:
    """part / whole with two decimals, half away from zero; 0 when the whole is 0."""
    if whole == 0:
        return 0.0
    exact = Fraction(part) / whole * 100
    hundredths = int(abs(exact) + Fraction(1, 2))
    return (hundredths if exact > 0 else -hundredths) / 100


def percent(part: int, whole: int) -> float:
    """part of whole in per cent with two decimals, half away from zero; 0 when the whole is 0."""
    return ratio(100 * part, whole)


def shares(counts: Sequence[int]) -> list[float]:
    """Percentages of the counts that sum to exactly 100.00, all 0 when the counts are.

    Largest remainder: every share is rounded down to hundredths, and the hundredths that are missing go to the shares
    that lost most; of equals, to the earlier.
    """
    whole = sum(counts)
    if whole == 0:
        return [0.0] * len(counts)
    hundredths = [count * 10_000 // whole for count in counts]
    by_loss = sorted(range(len(counts)), key=lambda index: -(counts[index] * 10_000 % whole))
    for index in by_loss[: 10_000 - sum(hundredths)]:
        hundredths[index] += 1
    return [value / 100 for value in hundredths]


def money(amount: Decimal) -> float:
    """The JSON number nearest to the amount: exact up to 900 billion, where the four decimals outgrow a double."""
    return float(amount)
