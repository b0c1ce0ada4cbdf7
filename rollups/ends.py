"""Where the full grains of a range begin and end, and which of its ends need the source of a rollup."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

GRAINS = {"quarter": 15 * 60_000, "day": 24 * 3_600_000, "none": 0}
# A session's first and last interactive event are at most 24 h apart.
REACH_MS = 24 * 3_600_000
_EARLIEST_MS = -2_208_988_800_000  # 1900, where DateTime64 begins


class Ragged(NamedTuple):
    """Which ends of a range need the source; `whole`: whether there is a full grain between them."""

    begin: bool
    end: bool
    whole: bool = True


BOTH = Ragged(True, True)


def bounds(from_ms: int, to_ms: int, *, open_end: bool = False) -> dict[str, int]:
    """The parameters of `Rollup.exact` beside from and to, ms: of each grain, where its full ones begin and end.

    With `_reach` behind the name: from when on sessions begin that may reach so far.
    Bound as values, for to fold these expressions costs ClickHouse as long as most answers take. `open_end`: nothing
    lies behind the end, so the grain that it lies in counts as full.
    """
    found: dict[str, int] = {}
    for grain in filter(None, GRAINS.values()):
        end = to_ms + -to_ms % grain if open_end else to_ms
        first = min(from_ms + -from_ms % grain, end)
        found |= {f"first_{grain}": first, f"last_{grain}": max(end - end % grain, first)}
    reached = {"from": from_ms, "to": to_ms} | found
    return found | {f"{name}_reach": max(moment - REACH_MS, _EARLIEST_MS) for name, moment in reached.items()}


def ragged(from_ms: int, to_ms: int, *, open_end: bool = False) -> Mapping[int, Ragged]:
    """By grain, ms: which ends of [from, to) need the source; to look there costs as much as the rollup itself."""
    within = bounds(from_ms, to_ms, open_end=open_end)
    return {
        grain: Ragged(
            from_ms % grain > 0,
            to_ms % grain > 0 and not open_end,
            within[f"first_{grain}"] < within[f"last_{grain}"],
        )
        for grain in filter(None, GRAINS.values())
    }


def inside(time: str, ends: Sequence[tuple[str, str]]) -> str:
    return " OR ".join(f"({time} >= {at(begin)} AND {time} < {at(end)})" for begin, end in ends)


def at(name: str) -> str:
    return f"{{{name}:DateTime64(3,'UTC')}}"
