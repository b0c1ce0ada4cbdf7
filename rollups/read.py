"""Answers as plain rows: one query file each, values bound by the server, a time and a memory limit on all."""

import re
import time
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from rollups import ends, rollup
from rollups.client import Client
from rollups.ends import BOTH, Ragged
from rollups.rollup import Rollup
from rollups.selection import ALL, Selection, leaf, times, values

FOLDER = Path(__file__).parent / "query"

_ROLLUP = re.compile(r"\{rollup:(\w+)\.?(\w*)\}")
_PLACEHOLDER = re.compile(r"\{(\w+)\s*:\s*([^{}]+)\}")
_JUST_NOW_MS = 10_000  # before now, a range ends now: nothing is likely to lie behind it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Runs query files for callers in any thread."""

    def __init__(
        self,
        client: Client,
        max_seconds: float = 10,
        max_bytes: int = 2_000_000_000,
        folder: Path = FOLDER,
        rollups: Mapping[str, Rollup] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._now = now
        self._limits = {
            "max_execution_time": max_seconds,
            "max_memory_usage": max_bytes,
            "max_result_bytes": max_bytes // 20,  # 100 MB: no answer has that; many are made at once
            "async_insert": 0,
        }
        self._folder = folder
        self._selection = ALL
        self._rollups = rollup.load() if rollups is None else rollups

    def selecting(self, selection: Selection) -> "Reader":
        """The same for a site that had only the selected sessions; its questions must be about sessions."""
        other = copy(self)
        vars(other)["_selection"] = selection
        return other

    def rows(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """The rows of `query/<name>.sql`, by column name; DateTime64 parameters take ms since the epoch or a datetime.

        Every `{name:Type}` of the file is bound by the server, none is pasted into the text; a parameter that the file
        does not name is left out, a missing one is a KeyError. `dimension` also
        names what `{values_of_dimension}` is, `goals` (filters of pages and events) what
        `{times_of_goals}` is, `paths` (of a JSON object) what `{leaf_of_data}` is.
        Blocks; raises ClickHouseUnavailable, past a limit too.
        """
        text = _text(self._folder / f"{name}.sql")
        begin, end = params.get("from"), params.get("to")
        if not (isinstance(begin, int) and isinstance(end, int)):
            return self._asked(expand(text, self._rollups, selection=self._selection), params)
        if end > self._now() * 1000 - _JUST_NOW_MS and (behind := self._behind(text, begin, end)):
            # Asked first and looked afterwards, so that nothing comes in between.
            found = self._within(text, params, open_end=True)
            if not self._asked(behind, params | ends.bounds(begin, end, open_end=True)):
                return found
        return self._within(text, params)

    def _within(self, text: str, params: Mapping[str, Any], *, open_end: bool = False) -> list[dict[str, Any]]:
        begin, end = params["from"], params["to"]
        sql = expand(text, self._rollups, ends.ragged(begin, end, open_end=open_end), self._selection)
        return self._asked(sql, {**params, **ends.bounds(begin, end, open_end=open_end)})

    def _behind(self, text: str, begin: int, end: int) -> str:
        """Selects rows if anything lies behind the end that makes it ragged; "" where that would spare nothing."""
        closed, opened = ends.ragged(begin, end), ends.ragged(begin, end, open_end=True)
        used = [(self._rollups[name], edge) for name, edge in _ROLLUP.findall(text)]
        of_tables = [each for each, edge in used if each.knows(self._selection, edge)]
        cut = [each for each in of_tables if each.grain_ms and closed[each.grain_ms].end]
        if not any(opened[each.grain_ms].whole for each in cut):
            return ""
        return " UNION ALL ".join(sorted({each.behind() for each in cut}))

    def _asked(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        params = {**params, **self._selection.params}
        if "dimension" in params:
            sql = sql.replace("{values_of_dimension}", values(params["dimension"]))
        if "paths" in params:
            found = leaf(params["paths"])
            sql, params = sql.replace("{leaf_of_data}", found.condition), {**params, **found.params}
        if "goals" in params:
            counted = times(params["goals"])
            sql, params = sql.replace("{times_of_goals}", counted.condition), {**params, **counted.params}
        bound = {key: _value(params[key], type_) for key, type_ in _placeholders(sql).items()}
        return self._client.rows(sql, bound, self._limits)


def expand(
    sql: str,
    rollups: Mapping[str, Rollup],
    ragged: Mapping[int, Ragged] | None = None,
    selection: Selection = ALL,
) -> str:
    """`sql` with `{rollup:name}` replaced by the exact rows of the rollup, `{rollup:name.edge}` by those of its edge.

    `ragged`: by grain; a grain that it does not name is taken for ragged at both ends. `{selected}` becomes a further
    condition for who reads sessions itself. Raises KeyError if unknown.
    """

    def rows(match: re.Match[str]) -> str:
        one = rollups[match[1]]
        if one.knows(selection, match[2]):
            return one.exact((ragged or {}).get(one.grain_ms, BOTH), match[2], selection)
        return one.selected(selection, match[2])

    return _ROLLUP.sub(rows, sql).replace("{selected}", f"AND ({selection.condition})" if selection else "")


@cache
def _placeholders(sql: str) -> Mapping[str, str]:
    return {match[1]: match[2] for match in _PLACEHOLDER.finditer(sql)}


@cache
def _text(path: Path) -> str:
    return path.read_text()


def _value(value: Any, type_: str) -> Any:
    if type_.startswith("DateTime64") and isinstance(value, int):
        return _EPOCH + timedelta(milliseconds=value)
    return value
