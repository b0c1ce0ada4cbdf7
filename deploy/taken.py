"""What ClickHouse takes of the disk, by table and by site, in words."""

from collections.abc import Iterator, Mapping, Sequence

from rollups import state
from rollups.client import Client

_MOST = 10  # lines of each kind


def taken(client: Client, domains: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What each line is about and what it says; `domains`: of sites, by id. Blocks; raises ClickHouseUnavailable."""
    tables = sorted(state.parts(client), key=lambda each: -each.bytes - each.inactive)
    if not tables:
        return
    inactive = sum(each.inactive for each in tables)
    beside = f", and {_mb(inactive)} of inactive parts, which it deletes by itself" if inactive else ""
    yield "ClickHouse", f"{_mb(sum(each.bytes for each in tables))} in tables, compressed{beside}"
    yield from _first("table", [(each.table, each.bytes, each.inactive) for each in tables])
    if sites := state.by_site(client, tables):
        named = [(f"{site} {domains.get(site, '')}".strip(), size, 0) for site, size in sites.items()]
        yield from _first("site", named, "about ")
        yield "", "sites: estimated, `events` by a site's share of the events, all else by its share of the sessions"


def _first(kind: str, found: Sequence[tuple[str, int, int]], about: str = "") -> Iterator[tuple[str, str]]:
    shown, rest = found[:_MOST], found[_MOST:]
    if rest:
        shown = [*shown, (f"{len(rest):,} more", sum(each[1] for each in rest), sum(each[2] for each in rest))]
    for name, size, inactive in shown:
        yield kind, f"{name}: {about}{_mb(size)}" + (f", and {_mb(inactive)} inactive" if inactive else "")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
