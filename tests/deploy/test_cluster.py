"""Compose and Kubernetes files say only what the code understands; running them needs an engine that tests lack."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import app
from deploy.cli.reference import commands
from deploy.settings import PREFIX, Settings, load

ROOT = Path(__file__).parents[2]
COMMANDS = {name.removeprefix("throughline "): command for name, command in commands(app)}
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
MANIFESTS = [
    document
    for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]


def understood(arguments: list[str]) -> None:
    command: Any = COMMANDS[arguments[0]]
    command.make_context(arguments[0], arguments[1:])


@pytest.mark.parametrize("name", [name for name, one in COMPOSE["services"].items() if one["image"] == "throughline"])
def test_a_compose_service_is_a_command_with_known_settings(name: str) -> None:
    service = COMPOSE["services"][name]
    understood(service["command"])
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)}
    assert set(service["environment"]) <= known
    load({}, service["environment"])
    assert set(service["depends_on"]) <= set(COMPOSE["services"])


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}"
)
def test_a_manifest_runs_known_commands_on_the_ports_it_probes(manifest: dict[str, Any]) -> None:
    template = manifest["spec"].get("template")
    for container in template["spec"]["containers"] if template else []:
        understood(container["args"])
        ports = {str(one["containerPort"]) for one in container.get("ports", [])}
        assert ports <= set(container["args"])
        for probe in ("readinessProbe", "livenessProbe"):
            if probe in container:
                assert str(container[probe]["httpGet"]["port"]) in ports
