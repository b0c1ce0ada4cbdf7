"""`throughline site`: what is measured."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="Sites of an account.")


@app.command()
def create(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN")],
    name: Annotated[str | None, typer.Option("--name", help="Name for people.  [default: the domain]")] = None,
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Create a site and show its ids.

    Example: throughline site create example.com --name "My shop"
    """
    from api.registry.change import create_site
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    made = create_site(held, store.account(held, account).id, name or domain, domain)
    typer.echo(f"site:        {made.id}\ntracking id: {made.tracking_id}")


@app.command("list")
def list_(
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """List an account's sites: id, tracking id, domain, name.

    Example: throughline site list
    """
    from deploy.cli import store
    from deploy.logs import escape

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    for site in held.state.sites_of(store.account(held, account).id):
        typer.echo(f"{site.id}  {site.tracking_id}  {site.domain}  {escape(site.name)}")


@app.command()
def export(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Id or tracking id.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as events.jsonl.zst.")],
    secret: Annotated[
        bool, typer.Option("--with-secret", help="With the site's secret, by which returning visitors are the same.")
    ] = False,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Write a site's settings and every counted event, with its ids, to a file for another installation.

    What did not count is in it as a number by reason and time. No accounts and keys are. Who has the site's secret
    can test whether an address and browser, or an id of the script, is one of its visitors; without it those who
    return after the move are new visitors.

    Example: throughline site export k3v9x1c7 events.jsonl.zst
    """
    from deploy.cli import store
    from deploy.cli.bar import bar
    from deploy.moving.out import export as run

    settings = option.load(data, clickhouse=clickhouse, redis=redis)
    with bar("days") as advance:
        end = run(settings, store.site(store.registry(settings), site), file, advance, secret=secret)
    typer.echo(f"{end.events:,} events and {end.filtered:,} lines that did not count are in {file}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `site export` wrote.")],
    account: option.Account = None,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Take over a site that another installation exported: its ids, settings and events, judged by those settings.

    The file is checked first. Stopped on the way: run it again, what is there already is not sent again.

    Example: throughline site import events.jsonl.zst
    """
    from api.registry import secret
    from deploy.cli import store
    from deploy.cli.bar import bar
    from deploy.moving.into import bring, check, site_of

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    head, end = check(file)
    held = store.registry(settings)
    found = site_of(held, store.account(held, account).id, head, secret.name(40))
    with bar("lines") as advance:
        sent = bring(settings, found, file, end, advance)
    typer.echo(f"site:        {found.id}\ntracking id: {found.tracking_id}\n{sent:,} lines were sent")
