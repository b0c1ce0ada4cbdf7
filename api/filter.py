"""The parameter `filter`: `dimension`, an operator, and alternatives separated by `|`."""

import re

from ingest.contract.page import page as page_of
from ingest.contract.text import value as spelled
from rollups.selection import DIMENSIONS, GOAL, NONE, Filter, Operator

FILTERED = (*DIMENSIONS, GOAL)
MAX_FILTERS = 10
MAX_ALTERNATIVES = 50
MAX_VALUE = 400  # characters

_FILTER = re.compile(r"([a-z_]*)(==|!=|=~|!~)(.*)", re.DOTALL)
_CHARACTER = re.compile(r"\\[|\\]|.", re.DOTALL)
_ENDS = ("entry_page", "exit_page")


def parse(text: str) -> Filter:
    r"""One filter; `\|` and `\\` in a value stand for themselves. Raises ValueError saying what is wrong with it."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise ValueError("not a filter such as source==google: a dimension, one of == != =~ !~, and values")
    dimension, alternatives = match[1], _split(match[3])
    if dimension not in FILTERED:
        raise ValueError(f"unknown dimension {dimension!r}: it is one of {', '.join(FILTERED)}")
    if dimension == GOAL and match[2][1] == "~":
        raise ValueError("a goal is named whole: == or !=")
    if len(alternatives) > MAX_ALTERNATIVES:
        raise ValueError(f"more than {MAX_ALTERNATIVES} alternatives")
    operator: Operator = match[2]  # type: ignore[assignment]  # the pattern has no other
    return Filter(dimension, operator, tuple(_value(dimension, operator, each) for each in alternatives))


def _split(text: str) -> list[str]:
    values = [""]
    for part in _CHARACTER.findall(text):
        if part == "|":
            values.append("")
        else:
            values[-1] += part[-1] if len(part) == 2 else part
    return values


def _value(dimension: str, operator: Operator, value: str) -> str:
    if not value.strip():
        raise ValueError("a value is empty")
    if len(value) > MAX_VALUE:
        raise ValueError(f"a value is longer than {MAX_VALUE} characters")
    if operator[1] != "=":
        return value
    if dimension == "page":
        return page_of(value)
    # The page of a session that has none.
    return page_of(value) if dimension in _ENDS and value != NONE else spelled(value)
