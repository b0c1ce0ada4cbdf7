"""Every command says what it does with an example, and the documentation is what the commands say."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import app
from deploy.cli.reference import commands, reference
from tests.deploy.stack import throughline

ROOT = Path(__file__).parents[2]
COMMANDS = dict(commands(app))
EXPECTED = {
    "up", "ingest", "worker", "api", "import", "verify", "migrate", "rebuild", "repair", "backup", "restore", "status",
    "alarms", "demo", "account create", "account password", "key create", "key list", "key revoke", "site create",
    "site list", "log list", "log forget", "repartition", "retain",
    "upgrade", "site export", "site import", "dead-letters list", "dead-letters replay", "batch set-aside",
    "erase", "export-visitor",
}  # fmt: skip


def run(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **env}
    return subprocess.run([*throughline(), *arguments], capture_output=True, text=True, env=environ, timeout=60)


def test_every_promised_command_is_there() -> None:
    assert {name.removeprefix("throughline ") for name in COMMANDS} == EXPECTED


def test_the_documentation_is_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == reference(app)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example_that_its_own_parser_takes(name: str) -> None:
    import shlex

    command: Any = COMMANDS[name]
    example = command.help.partition("Example: ")[2].strip()
    assert example.startswith(name)
    arguments = shlex.split(example.removeprefix(name))
    command.make_context(name, arguments)  # raises for an unknown option or a missing argument


def test_help_starts_fast_because_it_imports_no_stage() -> None:
    loaded = "import sys, deploy.cli; print([m for m in sys.modules if m.split('.')[0] in {stages}])"
    stages = "('ingest', 'workers', 'rollups', 'api', 'chdb', 'redis', 'clickhouse_connect', 'starlette')"
    done = subprocess.run(
        [sys.executable, "-c", loaded.format(stages=stages)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status",), "no address for event log: give --event-log, set THROUGHLINE_EVENT_LOG, or name the folder"),
        (("ingest", "--event-log", "amqp://x"), "--event-log must begin with redis://"),
        (("key", "create", "--scope", "all"), "--scope must be read, manage or ingest"),
        (("api", "--port", "99999", "--redis", "redis://x"), "port must be 0 to 65535, not 99999"),
        (("import", "none.log", "--site", "x", "--format", "xml"), "--format must be one of auto, combined"),
        (("import", "none.log", "--site", "x", "--field", "when=t"), "--field when=t: the name must be one of time"),
        (("site", "list", "--clickhouse", "http://127.0.0.1:1/x", "--redis", "redis://127.0.0.1:1"), "ClickHouse at"),
    ],
)
def test_what_an_operator_can_mend_is_one_sentence(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run(*arguments, "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"throughline: {message}") and done.stderr.count("\n") == 1, done.stderr
