"""`throughline batch`: a batch of the event log that cannot be finished."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="A batch that ClickHouse refuses for ever and that blocks its partition.")


@app.command("set-aside")
def set_aside(
    partition: Annotated[int, typer.Argument(metavar="PARTITION", help="Number of the partition that stands still.")],
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
    """Make the unfinished batch of a partition dead letters, so that the partition goes on.

    For when workers try a batch again and again because ClickHouse refuses its rows, and nothing else helps. If it is
    a rollup's view that fails, `throughline migrate --drop-view` is the first remedy, which loses no number for longer
    than until the next `migrate`. What is stored of the batch is taken out again, and every worker pauses meanwhile.
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
        if not 0 <= partition < consumer.partitions:
            raise StackError(f"there are partitions 0 to {consumer.partitions - 1}, no {partition}")
        found = stuck(client, consumer, partition, reason)
    finally:
        consumer.close()
    if found is None:
        raise StackError(f"no batch of partition {partition} is unfinished")
    decided = found.decided
    since = datetime.fromtimestamp(wiring.now() / 1000 - found.age, UTC).isoformat(timespec="seconds")
    what = f"log {decided.log}, partition {partition}, records {decided.a} to {decided.b}"
    typer.echo(escape(f"{what}: unfinished since {since}, {len(found.letters):,} lines"))
    if not found.whole:
        typer.echo("the log no longer has all of its records: those lines cannot be kept, and will never be counted")
        if not lost:
            raise StackError("to give them up for good, say --lost")
    if not yes and not typer.confirm("Set it aside as dead letters?"):
        raise typer.Exit(1)
    dead = wiring.dead_letters(settings)
    try:
        done = put(client, dead, found, engines=engines(settings))
    finally:
        dead.close()
    typer.echo(f"undone: {done.lines:,} raw events, {done.sessions:,} session rows")
    if done.rollups:
        typer.echo(f"built anew: {', '.join(done.rollups)}")
    typer.echo(
        f"{len(found.letters):,} lines are dead letters; once the cause is gone: throughline dead-letters replay"
    )
