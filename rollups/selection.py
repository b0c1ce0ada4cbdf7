"""Which sessions an answer is about: filters as one condition over session rows.

A session's attributes are the same in its `+1` and `-1` rows, so what is selected stays linear in `sign`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

Operator: TypeAlias = Literal["==", "!=", "=~", "!~"]
NONE = "(none)"
UNKNOWN = "unknown"

COLUMNS = {
    "source": "source",
    "medium": f"if(medium = '', '{NONE}', medium)",
    "campaign": "campaign",
    "term": f"if(term = '', '{NONE}', term)",
    "content": f"if(content = '', '{NONE}', content)",
    "channel": "if(channel = '', 'Other', channel)",  # not decided by those of before
    "country": "country",
    "region": f"if(region = '', '{UNKNOWN}', region)",
    "city": f"if(city = '', '{UNKNOWN}', city)",
    "device": "device",
    "browser": f"if(browser = '', '{UNKNOWN}', browser)",
    "os": f"if(os = '', '{UNKNOWN}', os)",
    "hostname": f"if(hostname = '', '{UNKNOWN}', hostname)",
    "entry_page": f"ifNull(entry_page, '{NONE}')",
    "exit_page": f"ifNull(exit_page, '{NONE}')",
    "bucket": "bucket",
}
LISTS = {"page": "pv_page", "event": "ev_type"}
DIMENSIONS = (*COLUMNS, *LISTS)
GOAL = "goal"  # a dimension of filters alone: what it means is a site's to say


def values(dimension: str) -> str:
    """An array of the values that a session row has of the dimension, each as often; "", which is none, last. Raises
    KeyError."""
    if dimension in LISTS:
        return f"arrayPushBack({LISTS[dimension]}, '')"
    return f"[toString({COLUMNS[dimension]}), '']"


class Filter(NamedTuple):
    """One of `values` holds of the dimension (== and =~), or none does (!= and !~). =~ and !~ know `*`."""

    dimension: str
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """A condition over the columns of `sessions`, its bound parameters and its filters' dimensions; "" selects all."""

    condition: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    dimensions: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.condition)


ALL = Selection()


def select(
    filters: Sequence[Filter], hidden: Sequence[Filter] = (), goals: Mapping[str, Filter] | None = None
) -> Selection:
    """The sessions of which every one of `filters` is true and none of `hidden`; `goals`: what is a goal, by name.

    Nobody reaches a goal that there is not. Raises KeyError for a dimension.
    """
    conditions: list[str] = []
    params: dict[str, Any] = {}
    for number, each in enumerate([*filters, *hidden]):
        if each.dimension == GOAL:
            wanted = [goal for name, goal in (goals or {}).items() if name in each.values]
            reached = [_holds(goal, f"filter_{number}_{place}", params) for place, goal in enumerate(wanted)]
            condition = " OR ".join(reached) or "0"
        else:
            condition = _holds(each, f"filter_{number}", params)
        negated = each.operator[0] == "!"
        conditions.append(f"NOT ({condition})" if negated != (number >= len(filters)) else f"({condition})")
    return Selection(" AND ".join(conditions), params, frozenset(each.dimension for each in (*filters, *hidden)))


def _holds(one: Filter, name: str, params: dict[str, Any]) -> str:
    """The condition without its negation; adds its parameter."""
    if one.dimension in LISTS:
        return f"arrayExists(each -> {_test('each', one, name, params)}, {LISTS[one.dimension]})"
    return _test(COLUMNS[one.dimension], one, name, params)


def _test(text: str, one: Filter, name: str, params: dict[str, Any]) -> str:
    """Whether `text` is one of the values; the cheapest way to ask, for it is asked of all that the sessions hold."""
    first, *others = one.values
    if one.operator[1] == "=":
        params[name] = list(one.values)
        return f"{text} IN {{{name}:Array(String)}}"
    if others or "*" in first[:-1]:
        params[name] = pattern(one.values)
        return f"match({text}, {{{name}:String}})"
    params[name] = first.removesuffix("*")
    return f"startsWith({text}, {{{name}:String}})" if first.endswith("*") else f"{text} = {{{name}:String}}"


def times(goals: Sequence[Filter]) -> Selection:
    """An array of how often a session reaches each of the goals: as `Selection`, whose condition it is not."""
    params: dict[str, Any] = {}
    counts = [
        f"arrayCount(each -> {_test('each', goal, f'goal_{number}', params)}, {LISTS[goal.dimension]})"
        for number, goal in enumerate(goals)
    ]
    return Selection(f"CAST([{', '.join(counts)}], 'Array(Int64)')", params)


def leaf(paths: Sequence[Sequence[str]]) -> Selection:
    """The JSON text at the first of the paths that an event's data has: as `times`, no condition."""
    found: list[str] = []
    params: dict[str, Any] = {}
    for number, path in enumerate(paths):
        names = [f"path_{number}_{place}" for place in range(len(path))]
        params |= dict(zip(names, path, strict=True))
        at = ", ".join(["data", *(f"{{{name}:String}}" for name in names)])
        found += [f"JSONHas({at})", f"JSONExtractRaw({at})"]
    return Selection(f"multiIf({', '.join(found)}, '')", params)


def pattern(values: Sequence[str]) -> str:
    """RE2 for the whole of one of the values, in which `*` is any run of characters."""
    return "^(?s:" + "|".join(".*".join(_literal(part) for part in value.split("*")) for value in values) + ")$"


def _literal(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9\x80-\U0010ffff]", lambda match: f"\\x{{{ord(match[0]):x}}}", text)
