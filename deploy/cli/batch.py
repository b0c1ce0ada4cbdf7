"""`throughline batch`: a batch of the event log that cannot be finished."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="A batch that ClickHouse refuses for ever and that blocks its partition.")


@app.command("set-aside")
def set_aside(
    partitions: Annotated[
        list[int], typer.Argument(metavar="PARTITION…", help="Numbers of the partitions that stand still.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Kept with every dead letter.", metavar="TEXT")
    ] = "ClickHouse refused the batch",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    lost: Annotated[
        bool, typer.Option("--lost", help="Also if the log no longer has its records: they are lost then.")
    ] = False,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Make the unfinished batches of some partitions dead letters, so that the partitions go on.

    For when workers try a batch again and again because ClickHouse refuses its rows, and nothing else helps. If it is
    a rollup's view that fails, `throughline migrate --drop-view` is the first remedy, which loses no number for longer
    than until the next `migrate`. What is stored of the batch is taken out again, and every worker pauses meanwhile. No
    other batch may be unfinished then: name all partitions that stand still at once, and let a worker run.

    Once the cause is gone, `throughline dead-letters replay` counts the lines. Stopped half-way, run it again.

    Example: throughline batch set-aside 3 --reason "bad rows, see ticket 12"
    """
    from datetime import UTC, datetime

    from deploy import wiring
    from deploy.folder import StackError
    from deploy.logs import escape
    from deploy.prepare import engines
    from workers.aside import set_aside as put
    from workers.aside import stuck

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse)
    client = wiring.clickhouse(settings)
    # Left before anything is waited for: a member may be given partitions whose batches a worker must finish.
    consumer = wiring.consumer(settings)
    try:
        if strange := [number for number in partitions if not 0 <= number < consumer.partitions]:
            raise StackError(f"there are partitions 0 to {consumer.partitions - 1}, no {strange[0]}")
        asked = [stuck(client, consumer, number, reason) for number in sorted(set(partitions))]
    finally:
        consumer.close()
    found = [each for each in asked if each is not None]
    if not found:
        raise StackError("no batch is unfinished there")
    for decided, age, letters, whole in found:
        since = datetime.fromtimestamp(wiring.now() / 1000 - age, UTC).isoformat(timespec="seconds")
        what = f"log {decided.log}, partition {decided.partition}, records {decided.a} to {decided.b}"
        typer.echo(escape(f"{what}: unfinished since {since}, {len(letters):,} lines"))
        if not whole:
            typer.echo("  the log no longer has all of its records: those lines cannot be kept")
    if not (lost or all(each.whole for each in found)):
        raise StackError("to give up for good what the log no longer has, say --lost")
    if not yes and not typer.confirm("Set aside as dead letters?"):
        raise typer.Exit(1)
    dead = wiring.dead_letters(settings)
    try:
        done = put(client, dead, found, engines=engines(settings))
    finally:
        dead.close()
    typer.echo(f"undone: {done.lines:,} raw events, {done.sessions:,} session rows")
    if done.rollups:
        typer.echo(f"built anew: {', '.join(done.rollups)}")
    lines = sum(len(each.letters) for each in found)
    typer.echo(f"{lines:,} lines are dead letters; once the cause is gone: throughline dead-letters replay")
