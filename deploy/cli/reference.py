"""`docs/cli.md`, made from the commands themselves: `python -m deploy.cli.reference > docs/cli.md`."""

import sys
from collections.abc import Iterator
from typing import Any

import typer

_HEAD = """\
# Commands

Made by `python -m deploy.cli.reference`; a test keeps it so. Addresses come from flags, from `THROUGHLINE_*`
([settings](settings.md)), or from the folder of a running stack (`--data`, default `./data`). `throughline --version`
shows the version.
"""


def reference(app: typer.Typer) -> str:
    """The page, from the help of every command."""
    return _HEAD + "".join(_section(name, command) for name, command in commands(app))


def commands(app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    yield from _leaves("throughline", typer.main.get_command(app))


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield name, command
        return
    for below, one in inside.items():
        yield from _leaves(f"{name} {below}", one)


def _section(name: str, command: Any) -> str:
    text, _, example = command.help.partition("Example: ")
    arguments = [entry for entry in command.params if entry.param_type_name == "argument"]
    options = [entry for entry in command.params if entry.param_type_name == "option" and entry.help]
    lines = [f"\n## `{' '.join([name, *(one.metavar for one in arguments)])}`\n"]
    lines += [" ".join(paragraph.split()) + "\n" for paragraph in text.strip().split("\n\n")]
    lines += ["```sh", example.strip(), "```\n"]
    if options:
        lines += ["| option | |", "|---|---|"]
        lines += [
            f"| `{'`, `'.join([*one.opts, *one.secondary_opts])}` | {' '.join(one.help.split())} |" for one in options
        ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    from deploy.cli import app

    sys.stdout.write(reference(app))
