"""Few numbers by first touch, in the order of the lists of sources and their campaigns."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

OTHER = "(other)"
FEW = 1_000  # rows of a list, none of which is past a limit


def by_touch(rows: Iterable[Mapping[str, Any]], column: str) -> list[dict[str, Any]]:
    """One row a source and campaign: its counts by what `column` says."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        found.setdefault((row["source"], row["campaign"]), {})[row[column]] = row["count"]
    return [{"source": source, "campaign": campaign, **counts} for (source, campaign), counts in found.items()]


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By `total` of the source, then of the campaign, descending, then name; `(other)` last."""
    listed = list(rows)
    of_source: Counter[str] = Counter()
    for row in listed:
        of_source[row["source"]] += row["total"]

    def place(row: Mapping[str, Any]) -> tuple[bool, int, str, bool, int, str]:
        source, campaign = row["source"], row["campaign"]
        return source == OTHER, -of_source[source], source, campaign == OTHER, -row["total"], campaign

    return sorted(listed, key=place)
