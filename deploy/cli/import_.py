"""`throughline import`: the past, from access logs or from events."""

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

if TYPE_CHECKING:
    from rich.table import Table

    from deploy.importing.run import Report

_FORMATS = ("auto", "combined", "common", "json", "w3c", "alb", "events")


def import_(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Access logs or event files, also .gz .bz2 .xz .zst; - is stdin."),
    ],
    site: option.Site,
    format_: Annotated[
        str, typer.Option("--format", help="auto, combined, common, json, w3c, alb or events.", metavar="FORMAT")
    ] = "auto",
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="What a JSON line calls a field: time=when, ip=peer …", metavar="NAME=KEY"),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the workers have counted it all.")] = True,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Import access logs, or events as the tracking endpoint takes them. The same file twice adds nothing.

    Several files are merged by time. A file's format and what a collector writes before its lines are recognised:
    combined, common, JSON (nginx, Caddy, Traefik, Cloudflare), W3C (IIS, CloudFront), AWS load balancers (alb). Lines
    that are no pageview are left out and reported by reason. `--format events` reads JSON lines with `at` (ms) and, if
    there is no `visitor`, `ip` and `user_agent`; oldest first. Exit code 2: a file is in no known format.

    Example: throughline import /var/log/nginx/access.log* --site k3v9x1c7
    """
    from rich.console import Console

    from deploy.cli import store
    from deploy.folder import StackError
    from deploy.importing.run import run
    from deploy.importing.source import Source, UnknownFormat
    from ingest.access_log.members import KEYS

    if format_ not in _FORMATS:
        raise StackError(f"--format must be one of {', '.join(_FORMATS)}, not {format_!r}")
    fields = dict(entry.partition("=")[::2] for entry in field or [])
    for name, key in fields.items():
        if name not in KEYS or not key:
            raise StackError(f"--field {name}={key}: the name must be one of {', '.join(KEYS)}, the key not empty")
    if files.count("-") > 1:
        raise StackError("standard input can be read once only")
    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    found = store.site(store.registry(settings), site)
    sources = [Source(name) for name in files]
    console = Console(stderr=True)
    try:
        with _Bar(console, sum(source.size for source in sources)) as bar:
            report = run(
                settings,
                found,
                sources,
                format_,  # type: ignore[arg-type]
                fields,
                lambda report: bar.show(report, sum(source.position for source in sources)),
                wait,
            )
        _tell_lines(report)
        Console().print(_table(report))
        if wait and not report.fresh:
            typer.echo("The workers have not counted all of it yet; it is safe on the event log, and they will.")
        if report.broken is not None:
            raise report.broken
    except UnknownFormat as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(2) from None
    if report.fresh and (gone := report.sent.sent - sum(report.became.values())) > 0:
        why = "they went with an event log that was put back, or are dead letters"
        raise StackError(f"{gone:,} lines that were sent are not counted: {why}. Run the same command again")


class _Bar:
    """A progress bar where somebody can see it."""

    def __init__(self, console: object, size: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,  # type: ignore[arg-type]
            transient=True,
            disable=not getattr(console, "is_terminal", False),
        )
        self._task = self._progress.add_task("reading", total=size or None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: "Report", position: int) -> None:
        said = (
            f"{report.tally.read:,} lines, {report.sent.sent:,} sent{_history(report)}"
            if report.reading
            else f"waiting for the workers, {sum(report.became.values()):,} of {report.sent.sent:,} judged"
        )
        self._progress.update(self._task, description=said, completed=position)


def _history(report: "Report") -> str:
    """Up to when the past is counted: `fresh as of` is about what comes now."""
    from datetime import UTC, datetime

    counted = report.sent.history(sum(report.became.values()))
    if counted is None:
        return ""
    return f", counted up to {datetime.fromtimestamp(counted / 1000, UTC).isoformat(sep=' ', timespec='minutes')}"


def _tell_lines(report: "Report") -> None:
    from deploy.importing.line import MALFORMED
    from deploy.logs import escape

    for bad in report.tally.bad:
        typer.echo(escape(f"{bad.file}:{bad.number}: {bad.message}"))
    if (rest := report.tally.left_out.get(MALFORMED, 0) - len(report.tally.bad)) > 0:
        typer.echo(f"… and {rest} more malformed lines")
    for name, number in report.tally.unended:
        typer.echo(escape(f"{name}:{number}: this last line has no line end yet; it is left for the next run"))


def _table(report: "Report") -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("lines read", f"{report.tally.read:,}")
    if report.fresh:
        table.add_row("counted", f"{report.became.get('', 0):,}")
    else:
        table.add_row("sent", f"{report.sent.sent:,}")
    if report.sent.known:
        table.add_row("counted before", f"{report.sent.known:,}")
    judged = {reason: count for reason, count in report.became.items() if reason} if report.fresh else {}
    for reason, count in sorted((report.tally.left_out | judged).items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"left out: {reason}", f"{count:,}")
    if report.tally.unended:
        table.add_row("left for the next run", f"{len(report.tally.unended):,}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    table.add_row("lines/s", f"{report.tally.read / max(report.seconds, 1e-3):,.0f}")
    return table
