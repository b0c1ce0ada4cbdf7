"""`throughline backup`, `restore` and `upgrade`: what outlives a machine and a version."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli import option
from deploy.cli.bar import bar
from deploy.cli.upkeep import moment
from deploy.settings import DEFAULT_DATA

_Folder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Folder of a backup.", show_default=False)]

_ROWS_A_SECOND = 200_000  # that a rollup is built from, on two slow cores


def backup(
    folder: _Folder = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Instead of a folder: a shell command that reads a tar.", metavar="COMMAND"),
    ] = None,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Back up accounts, keys, sites and everything counted, as Parquet by month, while the stack runs.

    Into a folder that holds a backup already only what is new is written. It stands for one moment between two
    batches. It holds password hashes and visitors' data, and is readable by you only.

    Example: throughline backup /srv/backup
    """
    from deploy.backup.make import backup as make
    from deploy.backup.sink import FolderSink, Sink, piped
    from deploy.folder import StackError

    if (folder is None) == (to is None):
        raise StackError("name either a folder for the backup, or a command with --to")
    settings = option.load(data, clickhouse=clickhouse)
    held: AbstractContextManager[Sink] = piped(to) if to is not None else nullcontext(FolderSink(folder or Path()))
    with held as sink, bar("files") as advance:
        made = make(settings, sink, advance)
    typer.echo(f"backed up     {_told(made.manifest.rows)}, as of {moment(made.manifest.made_at / 1000)}")
    typer.echo(
        f"files         {len(made.manifest.entries):,}, of which {made.written:,} are new, {made.bytes / 1e6:,.1f} MB"
    )
    for each in made.manifest.positions:
        typer.echo(f"position      partition {each.partition} of {each.log}: all before {each.position}")


def _told(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{rows.get(name, 0):,} {name}" for name in ("events", "sessions", "registry"))


def restore(
    folder: _Folder = None,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Fill an empty installation, running or not yet, with the backup in DIR: every answer is what it was then.

    All files are checked first. Stopped on the way: run it again. Without DIR: go on without a backup after
    ClickHouse's data is gone. Sites and the first account come back, over nothing; make the tables first, by
    `throughline migrate`; workers then count what the event log still holds. On one machine `up --restore` does that.

    Example: throughline restore /srv/backup --data /srv/new
    """
    from deploy.folder import FIRST_RUN_FILE, read_private
    from deploy.gone import restore as bring_back

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    if folder is not None:
        from deploy.backup.restore import restore as refill

        with bar("files") as advance:
            made = refill(settings, folder, data, lambda _, done, files: advance(done, files))
        typer.echo(f"restored      {_told(made.rows)}, as of {moment(made.made_at / 1000)}")
        typer.echo("accounts      those of the backup; everybody signs in again")
        typer.echo("to be sure    throughline verify")
        return
    for line in bring_back(settings, read_private(data / FIRST_RUN_FILE)) or ["nothing is gone"]:
        typer.echo(line)


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done.")] = False,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Bring ClickHouse to this version's schema, as `up` and `migrate` do, after saying what that means.

    What is sent in meanwhile waits on the event log, and pages go on. Back up first.

    Example: throughline upgrade --check
    """
    from deploy.prepare import engines, migrate_stores
    from rollups.version import plan

    settings = option.load(data, clickhouse=clickhouse)
    steps = plan(settings.address("clickhouse"), engines=engines(settings))
    if not steps:
        typer.echo("nothing to do: the database has the schema of this version")
        return
    for step in steps:
        rows = f"  reads {step.rows:,} rows" if step.rows else ""
        typer.echo(f"{step.name:<32}{rows}{'  workers hold still' if step.pauses and step.rows else ''}")
    seconds = 4 + sum(step.rows for step in steps if step.pauses) / _ROWS_A_SECOND
    typer.echo(f"Nothing is counted for about {seconds:,.0f} s; no event is lost or refused by it.")
    if not check:
        for line in migrate_stores(settings):
            typer.echo(f"done          {line}")
