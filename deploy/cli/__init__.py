"""`throughline …`: one module a command or group of commands; what a command needs is imported when it runs."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from deploy.cli import account, batch, dead_letters, key, log, site
from deploy.cli.alarms import alarms
from deploy.cli.backup import backup, restore, upgrade
from deploy.cli.demo import demo
from deploy.cli.import_ import import_
from deploy.cli.repair import repair
from deploy.cli.repartition import repartition
from deploy.cli.retain import retain
from deploy.cli.services import api, ingest, worker
from deploy.cli.up import up
from deploy.cli.upkeep import migrate, rebuild, status, verify
from deploy.cli.visitor import erase, export_visitor
from deploy.logs import configure

app = typer.Typer(
    name="throughline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Self-hosted web analytics. Addresses come from flags, THROUGHLINE_* or the folder of a running stack.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"throughline {version('throughline')}")
        raise typer.Exit


@app.callback()
def _of_all(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    pass


for command in (
    up,
    ingest,
    worker,
    api,
    status,
    alarms,
    verify,
    migrate,
    upgrade,
    backup,
    restore,
    rebuild,
    repair,
    repartition,
    retain,
    erase,
    demo,
):
    app.command()(command)
app.command("import")(import_)
app.command("export-visitor")(export_visitor)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(site.app, name="site")
app.add_typer(log.app, name="log")
app.add_typer(batch.app, name="batch")
app.add_typer(dead_letters.app, name="dead-letters")


def main() -> None:
    """Run a command; what an operator can mend is told in one sentence, with exit code 1."""
    configure("cli")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `throughline … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from deploy.cli.failure import sentence

        told = sentence(error)
        if told is None:
            raise
        if told:
            typer.echo(f"throughline: {told}", err=True)
        sys.exit(1)
