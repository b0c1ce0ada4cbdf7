"""`throughline site`: what is measured."""

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
