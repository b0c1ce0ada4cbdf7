"""The rules that are tables: text files kept by hand, one entry a line with its reason. `read` makes rows of one."""

import re
from importlib.resources import files
from typing import NamedTuple

_GROUP = re.compile(r"\[([a-z-]+)\] (.+)")


class Row(NamedTuple):
    """One line `name: words  # reason`, and the group `[group] Title` that it stands in."""

    group: str
    title: str
    name: str
    words: tuple[str, ...]
    reason: str


def read(name: str) -> tuple[Row, ...]:
    """The rows of the table `name` beside this module, in order. Raises ValueError for a line outside of a group."""
    return rows(files("ingest.rule").joinpath(f"{name}.txt").read_text("utf-8"))


def rows(text: str) -> tuple[Row, ...]:
    """The rows of a table's text."""
    found: list[Row] = []
    group = title = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if head := _GROUP.fullmatch(line):
            group, title = head.groups()
            continue
        if not group:
            raise ValueError(f"{line!r} stands in no group")
        entry, _, reason = line.partition("  # ")
        name, _, words = entry.partition(": ")
        found.append(Row(group, title, name, tuple(words.split()), reason))
    return tuple(found)
