"""`throughline status`, `migrate`, `verify` and `rebuild`: what operators look at and mend."""

import traceback
from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.cli import option
from deploy.cli.bar import bar
from deploy.settings import DEFAULT_DATA, Settings

_AHEAD_MS = 5 * 60_000


def status(
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Show what waits, how fresh the numbers are, what lies among the dead letters, and what takes the disk.

    Changes nothing.

    Example: throughline status
    """
    from deploy import wiring
    from deploy.logs import escape
    from deploy.room import spaces
    from deploy.status import status as ask
    from deploy.taken import taken
    from ingest.log.stream import appended_at
    from rollups.damage import told

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    found = ask(settings)
    if not found.log.id:
        typer.echo("event log     no log there yet: the first event or worker makes it")
    else:
        size = "" if found.log.size is None else f", {found.log.size / 1e6:.1f} MB"
        typer.echo(f"event log     {escape(found.log.id)}, {len(found.waits)} partitions{size}")
    for before in found.before:
        again = "" if before.sealed else f", still open: run throughline repartition {len(found.waits)} again"
        typer.echo(
            f"event log     counted first: {escape(before.log)}, {before.left} of its {before.partitions} partitions"
            f"{again}"
        )
    if found.other is not None:
        typer.echo(f"event log     {escape(found.other)}")
    for space in spaces(settings.disk_folders(), settings.disk_reserve):
        refused = " - events are refused until there is room" if space.free < space.reserve else ""
        typer.echo(escape(f"disk          {space}{refused}"))
    if found.broken:
        typer.echo(f"broken parts  {told(found.broken)}; what they held is not counted: throughline repair")
    for partition, seconds in enumerate(found.waits):
        said = "nothing waits" if seconds is None else f"the oldest uncounted event waits for {seconds:,.1f} s"
        typer.echo(f"partition {partition:<3} {said}")
    if found.gone is not None:
        typer.echo(f"ClickHouse    {escape(found.gone)}")
    elif found.unfinished is None:
        typer.echo("ClickHouse    has no tables yet: throughline migrate")
    elif not found.unfinished:
        typer.echo("unfinished    no batch")
    for batch in found.unfinished or ():
        since = moment(wiring.now() / 1000 - batch.seconds)
        of = f" of another log, {escape(batch.log)}" if batch.log else ""
        typer.echo(
            f"unfinished    partition {batch.partition}{of}: the batch at {batch.a}, "
            f"decided {since} ({batch.seconds:,} s ago)"
        )
    if found.doubted:
        typer.echo(f"rollups       of {len(found.doubted):,} sites are being made right, after a restart of ClickHouse")
    for site, standing in found.kept.items():
        typer.echo(f"kept          {site}: {standing}")
    for back in found.put_back:
        kept, counted = (moment(appended_at(offset) / 1000) for offset in (back.kept, back.counted))
        typer.echo(
            f"put back      partition {back.partition}: at {moment(back.at)} the log was found as it was at {kept}; "
            f"what came after {counted} and was not counted by then is lost"
        )
    if found.ahead > _AHEAD_MS:
        typer.echo(
            f"clock         events were received up to {found.ahead / 3_600_000:,.1f} h ahead of this clock: "
            f"it is wrong now, or was wrong then"
        )
    if found.fresh is None:
        typer.echo("fresh as of   unknown: no worker has looked at every partition yet")
    else:
        typer.echo(
            f"fresh as of   {moment(found.fresh / 1000)} ({max(0.0, (wiring.now() - found.fresh) / 1000):,.1f} s ago)"
        )
    typer.echo(f"dead letters  {sum(found.dead.values()):,}" if found.dead else "dead letters  none")
    for reason, letters in found.dead.items():
        typer.echo(f"              {letters:,}  {escape(reason)}")
    if found.dead:
        typer.echo("              each with its line: throughline dead-letters list")
        typer.echo("              back on the log, once a version can read them: throughline dead-letters replay")
    if found.gone is None and found.unfinished is not None:
        domains = {site.id: site.domain for site in wiring.registry(settings).state.site_by_id.values()}
        for of, text in taken(wiring.clickhouse(settings), domains):
            typer.echo(escape(f"{of:<13} {text}"))


def moment(seconds: float) -> str:
    """In words of ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def migrate(
    clickhouse: option.ClickHouse = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="Create replicated tables on this ClickHouse cluster.", metavar="NAME"),
    ] = None,
    drop_view: Annotated[
        str | None,
        typer.Option(
            "--drop-view",
            help="Only take the view of this rollup off, at once: when inserts fail or hang because of it.",
            metavar="ROLLUP",
        ),
    ] = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Bring ClickHouse to this version's schema. Safe to run twice; new rollups are filled from the data there are.

    Rollups that this version has no longer are dropped.

    Example: throughline migrate --clickhouse http://ch:8123/throughline
    """
    from deploy.prepare import engines, migrate_stores
    from rollups.migrate import drop_view as take_off

    settings = option.load(data, clickhouse=clickhouse, clickhouse_cluster=cluster)
    if drop_view is not None:
        take_off(settings.address("clickhouse"), drop_view, engines=engines(settings))
        typer.echo(f"the view of {drop_view} is off, and workers can go on; what they insert is missing in {drop_view}")
        typer.echo("until it is built again from its source: throughline migrate")
        return
    done = migrate_stores(settings)
    for line in done or ["nothing to do"]:
        typer.echo(line)


def verify(
    site: Annotated[
        str | None, typer.Option("--site", help="Only this site, by id or tracking id.  [default: all]", metavar="ID")
    ] = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Recompute sessions and rollups from the raw events by independent queries, and print each difference.

    Exit code: 0 without a difference, 1 with one, 2 when it could not be said.

    Example: throughline verify --site k3v9x1c7
    """
    from deploy.cli.failure import sentence

    try:
        found = _differences(option.load(data, clickhouse=clickhouse, redis=redis), site)
    except Exception as error:
        typer.echo(f"throughline: {sentence(error) or traceback.format_exc()}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{found} differences" if found else "no difference")
    if found:
        raise typer.Exit(1)


def _differences(settings: Settings, site: str | None) -> int:
    """Prints each as it is found, and how far it is where somebody watches."""
    from deploy import wiring
    from deploy.cli import store
    from deploy.logs import escape
    from rollups.verify import verify as differences

    site_id = None if site is None else store.site(store.registry(settings), site).id
    found = 0
    with bar("parts") as compared:
        for each in differences(wiring.clickhouse(settings), site=site_id, progress=compared):
            found += 1
            expected, there = each.expected or "nothing", each.found or "nothing"
            typer.echo(escape(f"{each.site} {each.table} {each.key}: expected {expected}, found {there}"))
    return found


def rebuild(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Id or tracking id.")],
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Apply a site's thresholds and pairs of today to its past: judge its sessions anew from the raw events.

    The workers do it between their batches, so other sites and new events go on.

    Example: throughline rebuild k3v9x1c7
    """
    from deploy.cli import store
    from deploy.rebuild import rebuild as run

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    found = store.site(store.registry(settings), site)
    with bar("visitors") as advance:
        visitors = run(settings, found.id, found.revision, lambda step: advance(step.done, step.visitors))
    typer.echo(f"{visitors:,} visitors judged by the settings of today")
