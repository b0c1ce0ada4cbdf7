"""`throughline account`: who may sign in."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="Accounts: who may sign in.")


@app.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Create an account with a random password, which is shown once.

    Example: throughline account create ann@example.com
    """
    import secrets

    from api.registry.change import create_account
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    password = secrets.token_urlsafe(15)
    made = create_account(held, email, password)
    typer.echo(f"email:    {made.email}\npassword: {password}")
