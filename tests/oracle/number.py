"""Two decimals, half away from zero; largest remainder."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

CENT = Decimal("0.01")


def ratio(part: Fraction | Decimal | int, whole: int) -> float:
    """part / whole to two decimals; 0 when the whole is 0."""
    if whole == 0:
        return 0.0
    exact = Fraction(part) / whole
    scaled = abs(exact) * 100
    hundredths = int(scaled + Fraction(1, 2))
    return float(Decimal(hundredths if exact >= 0 else -hundredths) * CENT)


def percent(part: int, whole: int) -> float:
    return ratio(part * 100, whole)


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Percentages that sum to 100.00 by largest remainder; ties go to the earlier key."""
    total = sum(counts.values())
    if total == 0:
        return dict.fromkeys(counts, 0.0)
    floors = {key: count * 10_000 // total for key, count in counts.items()}
    missing = 10_000 - sum(floors.values())
    for key in sorted(counts, key=lambda each: -(counts[each] * 10_000 % total))[:missing]:
        floors[key] += 1
    return {key: float(Decimal(value) * CENT) for key, value in floors.items()}
