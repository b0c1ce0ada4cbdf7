"""Answers as plain rows: one query file each, values bound by the server, a time and a memory limit on all."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from rollups import rollup
from rollups.client import Client
from rollups.rollup import BOTH, Ragged, Rollup

FOLDER = Path(__file__).parent / "query"

_ROLLUP = re.compile(r"\{rollup:(\w+)\}")
_PLACEHOLDER = re.compile(r"\{(\w+)\s*:\s*([^{}]+)\}")
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
    ) -> None:
        self._client = client
        self._limits = {
            "max_execution_time": max_seconds,
            "max_memory_usage": max_bytes,
            "max_result_bytes": max_bytes // 20,  # 100 MB: no answer has that; many are made at once
            "async_insert": 0,
        }
        self._folder = folder
        self._rollups = rollup.load() if rollups is None else rollups

    def rows(self, name: str, **params: Any) -> list[dict[str, Any]]:
        """The rows of `query/<name>.sql`, by column name; DateTime64 parameters take ms since the epoch or a datetime.

        Every `{name:Type}` of the file is bound by the server, none is pasted into the text; a parameter that the file
        does not name is left out, a missing one is a KeyError. Blocks; raises ClickHouseUnavailable, past a limit too.
        """
        ragged: Mapping[int, Ragged] = {}
        begin, end = params.get("from"), params.get("to")
        if isinstance(begin, int) and isinstance(end, int):
            params |= rollup.bounds(begin, end)
            ragged = rollup.ragged(begin, end)
        sql = expand(_text(self._folder / f"{name}.sql"), self._rollups, ragged)
        bound = {key: _value(params[key], type_) for key, type_ in _placeholders(sql).items()}
        return self._client.rows(sql, bound, self._limits)


def expand(sql: str, rollups: Mapping[str, Rollup], ragged: Mapping[int, Ragged] | None = None) -> str:
    """`sql` with every `{rollup:name}` replaced by the rollup's exact derived table. Raises KeyError if unknown.

    `ragged`: by grain; a grain that it does not name is taken for ragged at both ends.
    """
    ends = ragged or {}
    return _ROLLUP.sub(lambda match: rollups[match[1]].exact(ends.get(rollups[match[1]].grain_ms, BOTH)), sql)


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
