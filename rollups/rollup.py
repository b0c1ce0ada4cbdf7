"""A rollup: one SELECT of facts in `rollup/<name>.sql`, used as view, backfill, ragged edge of a range, and oracle.

The file opens with a header of `-- field: value` lines (see `parse`); the rest is the SELECT, with `{source}` for the
table its facts come from. Facts are linear: a retracted session (sign -1) takes away exactly what it had added.
"""
# ruff: noqa: S608 - names of our own tables and files; values are bound

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from rollups.ends import BOTH, GRAINS, Ragged, at, inside
from rollups.engine import Engines
from rollups.selection import ALL, Selection

FOLDER = Path(__file__).parent / "rollup"
SOURCES = {"sessions": "start", "events": "time"}
FROM = "{from:DateTime64(3,'UTC')}"
TO = "{to:DateTime64(3,'UTC')}"
SITE = "{site:String}"

_EDGE = re.compile(r"^-- edge (\w+)(?: by ([\w, ]+))?: ([\w, ]+)$", re.MULTILINE)
_WHERE = re.compile(r"\bWHERE\b")
_HEADER = re.compile(r"--\s*(source|grain|reach|key|sum|min|max):\s*([\w, ]+?)\s*(?:\(.*)?$")


class Edge(NamedTuple):
    """The facts of some kinds alone, for the ends of ranges: to unfold what is not asked for costs most of an answer.

    `columns` are those of its SELECT, in order; without a time, which is `start` or, with reach element, `at`.
    `by`: dimensions of sessions that each row of these kinds tells, so the table can be asked for some of them.
    """

    columns: tuple[str, ...]
    facts: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rollup:
    """`measures`: name → sum, min or max. `grain_ms` 0: the table has no time."""

    name: str
    source: str
    grain_ms: int
    element: bool
    key: tuple[str, ...]
    measures: Mapping[str, str]
    facts: str
    edges: Mapping[str, Edge] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Columns that identify a row, besides its site, in the table's order."""
        return ("time", *self.key) if self.grain_ms and "time" not in self.key else self.key

    @property
    def columns(self) -> tuple[str, ...]:
        return ("site", *self.dimensions, *self.measures)

    @property
    def definition(self) -> str:
        """Changes when the table would come out different."""
        text = repr((self.source, self.grain_ms, self.key, tuple(self.measures.items()), " ".join(self.facts.split())))
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def facts_of(self, source: str) -> str:
        """The facts of a table, or of a subquery in parentheses."""
        return self.facts.replace("{source}", source)

    def grouped(self, source: str, *, of_facts: bool = False) -> str:
        """The table's rows as they follow from `source`: what the view computes, a backfill inserts, verify expects.

        `of_facts`: `source` already is a subquery of facts.
        """
        dimensions = {name: f"facts.{name}" for name in ("site", *self.dimensions)}
        if self.grain_ms:
            dimensions["time"] = _floor("facts.time", self.grain_ms)
        chosen = [f"{expression} AS {name}" for name, expression in dimensions.items()]
        chosen += [f"{function}(facts.{name}) AS {name}" for name, function in self.measures.items()]
        by = ", ".join(dimensions.values())
        facts = source if of_facts else f"({self.facts_of(source)})"
        return f"SELECT {', '.join(chosen)} FROM {facts} AS facts GROUP BY {by}"

    def create_table(self, table: str, types: Mapping[str, str], engines: Engines) -> str:
        """`types`: the described columns of `grouped`."""
        columns = [f"`{name}` {types[name]}" for name in ("site", *self.dimensions)]
        columns += [
            f"`{name}` SimpleAggregateFunction({function}, {types[name]})" for name, function in self.measures.items()
        ]
        month = "PARTITION BY toYYYYMM(time)" if self.grain_ms else ""
        order = ", ".join(f"`{name}`" for name in ("site", *self.dimensions))
        return engines.fill(
            f"CREATE TABLE IF NOT EXISTS `{table}` {{on_cluster}} ({', '.join(columns)}) "
            f"ENGINE = {{replicated}}AggregatingMergeTree {month} ORDER BY ({order}) SETTINGS {{window}}, {{durable}}"
        )

    def create_view(self, engines: Engines) -> str:
        return engines.fill(
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS `{self.name}_view` {{on_cluster}} TO `{self.name}` "
            f"AS {self.grouped(self.source)}"
        )

    def backfill(self, table: str) -> str:
        """Inserts one month of the source, given as the parameter `month` (YYYYMM)."""
        chunk = f"(SELECT * FROM {self.source} WHERE toYYYYMM({SOURCES[self.source]}) = {{month:UInt32}})"
        names = ", ".join(f"`{name}`" for name in self.columns)
        return f"INSERT INTO `{table}` ({names}) {self.grouped(chunk)}"

    def knows(self, selection: Selection, edge: str) -> bool:
        """Whether its own rows tell which of them are of the selected sessions."""
        by = self.edges[edge].by if edge in self.edges else ()
        return not selection or frozenset() < selection.dimensions <= frozenset(by)

    def exact(self, ragged: Ragged = BOTH, edge: str = "", selection: Selection = ALL) -> str:
        """What to write behind FROM for the site's numbers in [from, to), exact to the millisecond; WHERE may follow.

        Whole grains come from the table, `ragged` ends from the source. No grain: the whole table, a row a key. `edge`:
        with the columns of that one, whose kinds the caller must ask for; "final" of one without a grain: every site's
        rows, merged. `selection`: one that it `knows`.
        """
        if not self.grain_ms:
            if edge == "final":
                return f"{self.name} FINAL"
            measures = [f"{function}({name}) AS {name}" for name, function in self.measures.items()]
            key = ", ".join(self.key)
            return f"(SELECT {key}, {', '.join(measures)} FROM {self.name} WHERE site = {SITE} GROUP BY {key})"
        first, last = f"first_{self.grain_ms}", f"last_{self.grain_ms}"
        chosen = f" AND ({selection.condition})" if selection else ""
        here = f"site = {SITE} AND {inside('time', [(first, last)])}{chosen}"
        ends = [end for end, cut in zip((("from", first), (last, "to")), ragged[:2], strict=True) if cut]
        if not ends:
            return f"{self.name} PREWHERE {here}"  # a quarter less to analyse than a subquery
        if edge:
            names, cut = ", ".join(self.edges[edge].columns), self._edge(edge, self._near(ends, chosen), ends)
        else:
            names = ", ".join((*self.dimensions, *self.measures))
            cut = f"SELECT {names} FROM ({self.facts_of(self._near(ends))}) WHERE {inside('time', ends)}"
        return f"(SELECT {names} FROM {self.name} WHERE {here} UNION ALL {cut})" if ragged.whole else f"({cut})"

    def selected(self, selection: Selection, edge: str = "") -> str:
        """As `exact`, of a site that had only the selected sessions: the same facts, all from the source."""
        if self.source != "sessions":
            raise ValueError(f"rollup {self.name} is not of sessions, so nothing of it can be selected")
        if not self.grain_ms:
            source = f"(SELECT * FROM sessions WHERE site = {SITE} AND ({selection.condition}))"
            if edge:
                return f"({self._edge(edge, source)})"
            dimensions = ", ".join(("site", *self.key))
            measures = [f"{function}({name}) AS {name}" for name, function in self.measures.items()]
            return f"(SELECT {dimensions}, {', '.join(measures)} FROM ({self.facts_of(source)}) GROUP BY {dimensions})"
        span = [("from", "to")]
        source = _chosen(self._reaching(span), selection)
        if not edge:
            return f"(SELECT * FROM ({self.facts_of(source)}) WHERE {inside('time', span)})"
        if not self.element:
            return f"({self._edge(edge, source, span)})"
        # Of sessions that neither begin before the range nor reach its end, no time is looked at: it costs a third.
        parts = [inside("start", [("from", "to_reach")]), inside("start", [("from_reach", "from"), ("to_reach", "to")])]
        inner, outer = (_chosen(part, selection) for part in parts)
        return f"({self._edge(edge, inner)} UNION ALL {self._edge(edge, outer, span)})"

    def _edge(self, edge: str, source: str, ends: Sequence[tuple[str, str]] = ()) -> str:
        """The facts of an edge; of those at a time of their own, if there are ends, the ones within."""
        facts = self.edges[edge].facts
        if self.element and ends:
            facts += f" {'AND' if _WHERE.search(facts) else 'WHERE'} ({inside('at', ends)})"
        return facts.replace("{source}", source)

    def behind(self) -> str:
        """Selects a row if the source may have facts of the site behind `to`, within its grain of a day at most."""
        day = f"last_{GRAINS['day']}"
        if self.source == "sessions":
            near = f"site = {SITE} AND {inside('start', [('to_reach', day)])} AND end >= {TO}"
            return f"SELECT 1 FROM sessions PREWHERE {near} LIMIT 1"
        facts = self.facts_of(self.source)
        return f"SELECT 1 FROM ({facts}) WHERE site = {SITE} AND {inside('time', [('to', day)])} LIMIT 1"

    def _near(self, ends: Sequence[tuple[str, str]], chosen: str = "") -> str:
        """The site's rows whose facts may lie within: by the facts' own time alone the engine would skip no session."""
        reaching = f" AND {self._reaching(ends)}" if self.source == "sessions" else ""
        return f"(SELECT * FROM {self.source} WHERE site = {SITE}{reaching}{chosen})"

    def _reaching(self, ends: Sequence[tuple[str, str]]) -> str:
        """Of sessions: those that start within the ends, or reach into them."""
        if not self.element:
            return f"({inside('start', ends)})"
        reached = [f"{inside('start', [(f'{begin}_reach', end)])} AND end >= {at(begin)}" for begin, end in ends]
        return f"({' OR '.join(reached)})"


def parse(name: str, text: str) -> Rollup:
    """One rollup file. Raises ValueError, naming file and field, for a header that is not one.

    source: sessions | events. grain: quarter | day | none. reach: start | element (facts lie at a time of their own, up
    to 24 h after their session's start). key: dimensions besides the site, in the table's order; time is the first of
    them if it is not named. sum, min, max: measures.
    Behind the SELECT may follow others, each under a line `-- edge name by dimensions: columns`: see `Edge`.
    """
    fields: dict[str, str] = {}
    text, *sections = _EDGE.split(text)
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match:
            fields[match[1]] = match[2]
    source, grain, reach = fields.get("source", ""), fields.get("grain", ""), fields.get("reach", "start")
    if source not in SOURCES:
        raise ValueError(f"rollup {name}: source {source!r} is not one of {', '.join(SOURCES)}")
    if grain not in GRAINS:
        raise ValueError(f"rollup {name}: grain {grain!r} is not one of {', '.join(GRAINS)}")
    if reach not in ("start", "element"):
        raise ValueError(f"rollup {name}: reach {reach!r} is neither start nor element")
    measures: dict[str, str] = {
        measure: function for function in ("sum", "min", "max") for measure in _names(fields.get(function, ""))
    }
    if not measures:
        raise ValueError(f"rollup {name}: no measure")
    facts = _select(text)
    edges = {
        edge: Edge(_names(columns), _select(section), _names(by or ""))
        for edge, by, columns, section in zip(*(sections[place::4] for place in range(4)), strict=True)
    }
    for each in (facts, *(edge.facts for edge in edges.values())):
        if "{source}" not in each:
            raise ValueError(f"rollup {name}: its SELECT does not read {{source}}")
    key = _names(fields.get("key", ""))
    return Rollup(name, source, GRAINS[grain], reach == "element", key, measures, facts, edges)


@cache
def load(folder: Path = FOLDER) -> Mapping[str, Rollup]:
    """Every rollup of a folder, by name."""
    return {path.stem: parse(path.stem, path.read_text()) for path in sorted(folder.glob("*.sql"))}


def _select(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip()


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _chosen(near: str, selection: Selection) -> str:
    """The site's selected sessions of a time. A condition in PREWHERE has its columns read apart from the others, which
    costs more than it spares where most rows pass: so only what finds the rows.
    """
    return f"(SELECT * FROM sessions PREWHERE site = {SITE} AND ({near}) WHERE {selection.condition})"


def _ms(time: str) -> str:
    return f"toUnixTimestamp64Milli({time})"


def _time(ms: str) -> str:
    return f"fromUnixTimestamp64Milli({ms}, 'UTC')"


# Plain arithmetic, for the functions that start an hour or a day leave DateTime64 and its range.
def _floor(time: str, grain: int) -> str:
    return _time(f"{_ms(time)} - positiveModulo({_ms(time)}, {grain})")


def minus(time: str, ms: int) -> str:
    return _time(f"{_ms(time)} - {ms}") if ms else time
