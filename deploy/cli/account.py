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
    """Create an account with a random password, which is shown once; the first sign-in asks for another.

    Example: throughline account create ann@example.com
    """
    from api.registry.change import create_account
    from api.registry.secret import new_password
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    password = new_password()
    made = create_account(held, email, password, temporary=True)
    typer.echo(f"email:    {made.email}\npassword: {password}")


@app.command()
def password(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Give somebody who forgot theirs a new random password, which is shown once, and end all their sessions.

    The next sign-in asks for another. API keys go on.

    Example: throughline account password ann@example.com
    """
    from api.registry.change import change_password
    from api.registry.secret import new_password
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    made = new_password()
    change_password(held, store.account(held, email).id, made, temporary=True)
    typer.echo(f"password: {made}")
